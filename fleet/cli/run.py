"""`fleet run`."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from fleet.clearml_api import connect
from fleet.cli import options
from fleet.cli.show import print_run
from fleet.errors import FleetError
from fleet.runs import offered, prepare, start, wait
from fleet.spec import SPEC_FILE, load
from fleet.templates import phase_of_template
from ml.catalog import PHASES, Phase
from ml.runtime.errors import UserError
from ml.runtime.parameters import fields


class _Run(click.Command):
    """Its help and its completion name the templates that the contract offers."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Templates"):
            formatter.write_dl([(phase.name, phase.help) for phase in _offered(ctx)])


def _offered(ctx: click.Context) -> list[Phase]:
    try:
        return offered(load(ctx.params.get("spec_file") or SPEC_FILE))
    except UserError:
        # help must not fail over a contract that `fleet validate` is there to mend
        return list(PHASES.values())


def _complete(ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    return [phase.name for phase in _offered(ctx) if phase.name.startswith(begun)]


@click.command(cls=_Run)
@click.argument("template", shell_complete=_complete)
@click.option(
    "--set", "settings", multiple=True, metavar="Section/field=value", help="Set a field; repeat."
)
@click.option(
    "--file",
    "data_file",
    type=click.Path(path_type=Path),
    help="A CSV or Parquet file to upload; Data/source then points at it.",
)
@click.option("--queue", help="Another queue than the operator's choice, if the policy allows it.")
@click.option("--fields", "lists_fields", is_flag=True, help="List the template's fields instead.")
@click.option("--wait/--no-wait", "waits", help="Wait until the run has ended.")
@click.option("--timeout", type=float, metavar="SECONDS", help="With --wait: the longest wait.")
@options.config_file
@options.spec_file
@options.as_json
def run(
    template: str,
    settings: Sequence[str],
    data_file: Path | None,
    queue: str | None,
    lists_fields: bool,
    waits: bool,
    timeout: float | None,
    config_file: Path | None,
    spec_file: Path,
    as_json: bool,
) -> None:
    """Start work from a TEMPLATE: a phase, or `pipeline`.

    With --wait the exit code is 0 only if the run completed.
    """
    if lists_fields:
        _print_fields(template, as_json)
        return
    spec = load(spec_file)
    request = prepare(spec, template, _values(settings), queue=queue, data_file=data_file)
    api = connect(config_file)
    echo = options.progress(as_json)
    started = start(api, spec, request)
    echo(f"run {started.run_id}: {template} enqueued on {started.queue}")
    if not waits:
        if as_json:
            options.print_json(dataclasses.asdict(started))
        else:
            echo(f"see it: fleet show {started.run_id}")
        return
    result = wait(api, started.run_id, seconds=timeout, echo=echo)
    print_run(result, as_json)
    if not result.succeeded:
        sys.exit(1)


def _print_fields(template: str, as_json: bool) -> None:
    found = fields(phase_of_template(template).parameters)
    if as_json:
        options.print_json([dataclasses.asdict(field) for field in found])
        return
    table = Table("field", "type", "default", "what it is")
    for field in found:
        table.add_row(field.path, field.type, escape(field.default), escape(field.help))
    options.console().print(table)


def _values(settings: Sequence[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or "/" not in name:
            raise FleetError(
                f"'{setting}' is not a setting",
                where="--set",
                mend="write it as Section/field=value, for example Data/target=price",
            )
        values[name.strip()] = value
    return values
