"""`fleet explain …`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from fleet.clearml_api import connect
from fleet.cli import options
from fleet.explain import (
    Answer,
    Nodes,
    explain_map,
    explain_node,
    explain_phase,
    explain_queue,
    explain_run,
    explain_task,
    write_pages,
)
from fleet.paths import REPOSITORY
from fleet.spec import SPEC_FILE, Spec, load

_INVENTORY = click.Path(path_type=Path, exists=True)
_SEVERAL = "several count as one, as for ansible-playbook."
_spec_of_inventory = click.option(
    "--spec",
    "spec_file",
    type=click.Path(path_type=Path),
    help="The contract; by default fleet_queues_file of the inventory, else queues.yml here.",
)
_offline = click.option(
    "--offline", is_flag=True, help="Do not ask the inventory's server which agents are drained."
)


@click.group()
def explain() -> None:
    """Which work runs where, and why."""


@explain.command()
@click.argument("name")
@click.option(
    "-i",
    "--inventory",
    type=_INVENTORY,
    multiple=True,
    help=f"Name the nodes of this inventory that serve it; {_SEVERAL}",
)
@_spec_of_inventory
@_offline
@options.as_json
def queue(
    name: str, inventory: tuple[Path, ...], spec_file: Path | None, offline: bool, as_json: bool
) -> None:
    """Who serves the queue NAME, what comes to it, and who may start work there."""
    if not inventory:
        _print(explain_queue(load(spec_file or SPEC_FILE), name), as_json)
        return
    spec, nodes = _nodes_of(inventory, spec_file, offline)
    _print(explain_queue(spec, name, nodes), as_json, nodes.notes)


@explain.command()
@click.argument("name")
@options.spec_file
@options.as_json
def phase(name: str, spec_file: Path, as_json: bool) -> None:
    """Which queue the phase NAME is sent to, and who may start it."""
    _print(explain_phase(load(spec_file), name), as_json)


@explain.command()
@click.argument("name")
@click.option(
    "-i",
    "--inventory",
    type=_INVENTORY,
    multiple=True,
    default=[REPOSITORY / "inventories" / "local"],
    show_default="inventories/local",
    help=f"The inventory that has the node; {_SEVERAL}",
)
@_spec_of_inventory
@_offline
@options.as_json
def node(
    name: str, inventory: tuple[Path, ...], spec_file: Path | None, offline: bool, as_json: bool
) -> None:
    """The agents of the node NAME, their queues, GPUs and limits, and why it has these."""
    spec, nodes = _nodes_of(inventory, spec_file, offline)
    _print(explain_node(spec, name, nodes), as_json, nodes.notes)


@explain.command()
@click.argument("run_id", metavar="RUN", required=False)
@click.option("--last", is_flag=True, help="The newest run.")
@options.config_file
@options.spec_file
@options.as_json
def run(
    run_id: str | None, last: bool, config_file: Path | None, spec_file: Path, as_json: bool
) -> None:
    """Where each task of a RUN went, by which rule, and what it waits for."""
    if bool(run_id) == last:
        raise click.UsageError("name a run, or say --last")
    spec = load(spec_file)
    _print(explain_run(connect(config_file), spec, run_id), as_json)


@explain.command()
@click.argument("task_id", metavar="ID")
@options.config_file
@options.spec_file
@options.as_json
def task(task_id: str, config_file: Path | None, spec_file: Path, as_json: bool) -> None:
    """Where the task ID is, by which rule, and what it waits for."""
    spec = load(spec_file)
    _print(explain_task(connect(config_file), spec, task_id), as_json)


@explain.command("map")
@click.option("--write", "writes", is_flag=True, help="Write the pages of docs/ made from it.")
@options.spec_file
@options.as_json
def map_command(writes: bool, spec_file: Path, as_json: bool) -> None:
    """Every step, queue and node group, and the policy."""
    spec = load(spec_file)
    if not writes:
        _print(explain_map(spec), as_json)
        return
    written = write_pages(spec)
    if as_json:
        options.print_json([str(path) for path in written])
        return
    for path in written:
        click.echo(f"wrote {path.relative_to(REPOSITORY)}")
    if not written:
        click.echo("the pages of docs/ are current")


def _nodes_of(
    inventory: tuple[Path, ...], spec_file: Path | None, offline: bool
) -> tuple[Spec, Nodes]:
    # Imported late: it imports Ansible, which no other explanation need wait for.
    from fleet.explain.inventory import nodes_of

    return nodes_of(inventory, spec_file, offline=offline)


def _print(answer: Answer, as_json: bool, notes: Sequence[str] | None = None) -> None:
    """Print an explanation as JSON, or as a paragraph and tables for people.

    Notes are of the inventory that it is made from: what of that could not be read.
    """
    if as_json:
        options.print_json(answer.as_data() | ({} if notes is None else {"notes": list(notes)}))
        return
    for note in notes or ():
        click.echo(f"note: {note}", err=True)
    console = options.console()
    console.print(f"[bold]{escape(answer.subject)}[/bold]", highlight=False)
    console.print(answer.paragraph, markup=False, highlight=False)
    for found in answer.tables:
        if not found.rows:
            continue
        table = Table()
        for heading in found.headings:
            table.add_column(heading, overflow="fold")
        for row in found.rows:
            table.add_row(*(escape(cell) for cell in row))
        console.print(table)
