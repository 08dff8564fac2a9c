"""`fleet show` and `fleet runs`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from fleet.clearml_api import connect
from fleet.cli import options
from fleet.runs import Run, Step, list_runs, read_run

_COLOURS = {"completed": "green", "published": "green", "failed": "red", "stopped": "yellow"}


@click.command()
@click.argument("run_id", required=False)
@click.option("--last", is_flag=True, help="The newest run.")
@options.config_file
@options.as_json
def show(run_id: str | None, last: bool, config_file: Path | None, as_json: bool) -> None:
    """Show a RUN: its steps, where they ran, what came of them."""
    if bool(run_id) == last:
        raise click.UsageError("name a run, or say --last")
    print_run(read_run(connect(config_file), run_id), as_json)


@click.command()
@click.option("--limit", default=20, show_default=True, help="How many, the newest first.")
@options.config_file
@options.as_json
def runs(limit: int, config_file: Path | None, as_json: bool) -> None:
    """List the runs, the newest first."""
    found = list_runs(connect(config_file), limit)
    if as_json:
        options.print_json([run.as_dict() for run in found])
        return
    table = Table("run", "status", "created", "steps", "failed")
    for run in found:
        failed = sum(step.status == "failed" for step in run.steps)
        table.add_row(
            escape(run.run_id),
            _status(run.status),
            _clock(run.created),
            str(len(run.steps)),
            str(failed),
        )
    options.console().print(table)


def print_run(run: Run, as_json: bool) -> None:
    """Print a run as JSON, or as a table for people."""
    if as_json:
        options.print_json(run.as_dict())
        return
    console = options.console()
    table = Table("step", "status", "queue", "node", "seconds", "result")
    table.add_column("task", no_wrap=True, overflow="fold")
    for step in run.steps:
        table.add_row(
            escape(step.short_name(run.run_id)),
            _status(step.status),
            escape(step.queue or "-"),
            escape(step.node or "-"),
            _seconds(step),
            escape(step.result or ""),
            step.task_id,
        )
    console.print(f"run [bold]{escape(run.run_id)}[/bold]: {_status(run.status)}")
    console.print(table)
    for step in run.steps:
        if step.failure:
            console.print(
                f"{step.short_name(run.run_id)}: {step.failure}", style="red", markup=False
            )
    console.print(f"training-summary:  {run.training_summary or '-'}")
    console.print(f"inference-summary: {run.inference_summary or '-'}")


def _status(status: str) -> str:
    colour = _COLOURS.get(status)
    return f"[{colour}]{status}[/{colour}]" if colour else status


def _clock(timestamp: str) -> str:
    return f"{datetime.fromisoformat(timestamp):%Y-%m-%d %H:%M:%S}"


def _seconds(step: Step) -> str:
    if not step.started or not step.completed:
        return "-"
    took = datetime.fromisoformat(step.completed) - datetime.fromisoformat(step.started)
    return f"{took.total_seconds():.1f}"
