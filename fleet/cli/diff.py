"""`fleet diff`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from fleet.clearml_api import connect
from fleet.cli import options
from fleet.runs.compare import Comparison, Difference, StepComparison, compare
from fleet.runs.fingerprints import read_fingerprints, read_folder

DIFFERENT = 2

_COLOURS = {"equal": "green", "within tolerance": "green", "failed alike": "yellow"}
_PREDICTIONS = {True: "[green]equal[/green]", False: "differ", None: "-"}
# so many steps are named in a cell
_FEW = 3
_SHOWN = 44


@click.command()
@click.argument("first", metavar="RUN")
@click.argument("second", metavar="RUN")
@options.config_file
@options.as_json
@click.pass_context
def diff(
    ctx: click.Context, first: str, second: str, config_file: Path | None, as_json: bool
) -> None:
    """Compare two RUNs: whether their results are the same, and what they were made of.

    A RUN is an id, as `fleet runs` lists them, or the folder of a pipeline that ran on this
    machine. Exit code 0: the results are equal, 2: they differ, 1: an error.
    """
    folders = {name for name in (first, second) if Path(name).is_dir()}
    api = connect(config_file) if {first, second} - folders else None
    one, other = (
        read_folder(Path(name)) if name in folders else read_fingerprints(api, name)
        for name in (first, second)
    )
    compared = compare(one, other)
    if as_json:
        options.print_json(compared.as_dict())
    else:
        _print(compared)
    ctx.exit(0 if compared.equal else DIFFERENT)


def _print(compared: Comparison) -> None:
    console = options.console()
    console.print(f"A: {compared.first}\nB: {compared.second}", markup=False)
    steps = Table("step", "results", "predictions", "A ran on", "B ran on")
    for step in compared.steps:
        steps.add_row(
            escape(step.step),
            _results(step),
            _PREDICTIONS[step.predictions],
            escape(step.first_place or "-"),
            escape(step.second_place or "-"),
        )
    console.print(steps)
    if compared.differences:
        table = Table("differs", "in", "A", "B", "by")
        for item, where in _grouped(compared):
            style = "red" if item.of_results else None
            size = "" if item.size is None else f"{item.size:+.2%}"
            table.add_row(
                *map(escape, (item.part, where, _short(item.first), _short(item.second), size)),
                style=style,
            )
        console.print(table)
    colour = "green" if compared.equal else "red"
    console.print(compared.verdict, style=colour, markup=False)


def _results(step: StepComparison) -> str:
    colour = _COLOURS.get(step.results, "red")
    return f"[{colour}]{step.results}[/{colour}]"


def _grouped(compared: Comparison) -> Iterator[tuple[Difference, str]]:
    """Each difference once, with the steps that have it."""
    groups: dict[tuple[str, str, str, bool], list[Difference]] = {}
    for item in compared.differences:
        key = (item.part, item.first, item.second, item.of_results)
        groups.setdefault(key, []).append(item)
    for items in groups.values():
        steps = [item.step for item in items]
        if len(steps) == len(compared.steps):
            yield items[0], "all steps"
            continue
        more = f" and {len(steps) - _FEW} more" if len(steps) > _FEW else ""
        yield items[0], ", ".join(steps[:_FEW]) + more


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
