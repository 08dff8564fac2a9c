"""`fleet report`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from fleet.clearml_api import Api, connect
from fleet.cli import options
from fleet.paths import local_fleet_dir
from fleet.runs import Run, read_run
from fleet.runs.artifacts import save_report, training_summary

_COLUMNS = ("validation", "test", "fit seconds")


@click.command()
@click.argument("run_id", required=False)
@click.option("--last", is_flag=True, help="The newest run.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to save the page; by default beside the local fleet's state.",
)
@options.config_file
@options.as_json
def report(
    run_id: str | None, last: bool, output: Path | None, config_file: Path | None, as_json: bool
) -> None:
    """Save a RUN's HTML report, and print its leaderboard."""
    if bool(run_id) == last:
        raise click.UsageError("name a run, or say --last")
    api = connect(config_file)
    run = read_run(api, run_id)
    if as_json:
        summary = training_summary(api, run)
        path = save_report(api, run, output or default_path(run))
        options.print_json({"run_id": run.run_id, "report": str(path), "summary": summary})
        return
    print_report(api, run, output)


def print_report(api: Api, run: Run, output: Path | None = None) -> None:
    """Print a run's leaderboard, its failed models, and where its report was saved."""
    console = options.console()
    summary = training_summary(api, run)
    if summary:
        if summary["best"]:
            console.print(_leaderboard(summary))
        for said in (*summary.get("headline", ()), summary.get("as_good", {}).get("said")):
            if said:
                console.print(said, markup=False)
        for failed in summary["failed"]:
            console.print(f"failed: {failed['model']}: {failed['why']}", style="red", markup=False)
    path = save_report(api, run, output or default_path(run))
    console.print(f"report: {path}", soft_wrap=True, markup=False)


def default_path(run: Run) -> Path:
    """Where a run's report is saved when the user does not say."""
    return local_fleet_dir() / "reports" / f"{run.run_id}.html"


def _leaderboard(summary: dict[str, Any]) -> Table:
    title = f"{summary['dataset']}: {summary['target']} by {summary['metric']}"
    table = Table("model", *_COLUMNS, "queue", title=escape(title))
    for entry in summary["leaderboard"]:
        best = entry["model"] == summary["best"]["model"]
        model = escape(entry["model"])
        table.add_row(
            f"[bold green]{model}[/bold green]" if best else model,
            *(_number(entry[score]) for score in _COLUMNS),
            escape(entry.get("queue") or "-"),
        )
    return table


def _number(value: float | None) -> str:
    """A score of five digits; a metric may have no value for a model."""
    return "none" if value is None else f"{value:.5g}"
