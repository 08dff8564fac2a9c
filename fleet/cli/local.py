"""`fleet local …`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from fleet.cli import options
from fleet.cli.report import print_report
from fleet.cli.show import print_run
from fleet.errors import FleetError
from fleet.local import hostserver
from fleet.local.checks import Wanted
from fleet.local.down import down
from fleet.local.inventory import INVENTORY
from fleet.local.layout import Layout
from fleet.local.machines import have_machines
from fleet.local.status import Status, status
from fleet.local.up import up
from fleet.paths import local_fleet_name

_name = click.option(
    "--name",
    default=local_fleet_name,
    show_default="FLEET_LOCAL_NAME, or local",
    help="Name of the fleet; several may live side by side.",
)


@click.group()
def local() -> None:
    """The fleet on this machine: its nodes are containers."""


@local.command("up")
@_name
@click.option(
    "--inventory",
    type=click.Path(path_type=Path),
    default=INVENTORY,
    show_default="inventories/local",
    help="Its hosts become nodes.",
)
@options.spec_file
@click.option(
    "--data", type=click.Path(path_type=Path), help="Your CSV or Parquet file, for the run."
)
@click.option("--target", metavar="COLUMN", help="The column of your file to predict.")
@click.option("--run/--no-run", "runs", default=True, help="Run the pipeline at the end.")
def up_command(
    name: str,
    inventory: Path,
    spec_file: Path,
    data: Path | None,
    target: str | None,
    runs: bool,
) -> None:
    """Bring the fleet up, or what is missing of it, and run the pipeline."""
    wanted = Wanted(Layout(name), inventory, data, target, runs, spec_file)
    fleet = up(wanted, click.echo)
    if fleet.run:
        print_run(fleet.run, as_json=False)
        if not fleet.run.succeeded:
            raise FleetError(
                f"the run ended as {fleet.run.status}; the fleet itself is up",
                where=f"run {fleet.run.run_id}",
                mend="mend what its steps say above, then: fleet run pipeline --wait",
            )
        print_report(fleet.connect(), fleet.run)
    click.echo("run it on a file of your own:  make up DATA=my.csv TARGET=price")
    click.echo(
        "   or, the fleet being up:     fleet run pipeline --file my.csv "
        "--set Data/target=price --wait"
    )


@local.command("down")
@_name
@click.option("--keep-images", is_flag=True, help="Keep the images that were built.")
def down_command(name: str, keep_images: bool) -> None:
    """Remove the fleet: all that was made for it, and nothing else."""
    down(Layout(name), click.echo, keep_images=keep_images)


@local.command("nodes")
@_name
@click.option(
    "--inventory",
    type=click.Path(path_type=Path),
    show_default="the one that the fleet was brought up with",
    help="Its hosts become nodes.",
)
@options.spec_file
@click.option("--prune", is_flag=True, help="Remove the nodes that are no longer in the inventory.")
def nodes_command(name: str, inventory: Path | None, spec_file: Path, prune: bool) -> None:
    """Have the inventory's nodes run, bare, in a fleet that is up; site.yml provisions them.

    Prints what was changed, and nothing where all was there.
    """
    found = have_machines(Layout(name), inventory, spec_file, prune=prune)
    for line in found.changed:
        click.echo(line)
    if found.superfluous:
        click.echo(
            f"no longer in the inventory, and left alone: {', '.join(found.superfluous)}; "
            "remove them by: fleet local nodes --prune",
            err=True,
        )


@local.command("stop-server")
@_name
def stop_server_command(name: str) -> None:
    """Stop the embedded server, as an outage would; `fleet local up` starts it again."""
    stopped = hostserver.stop(Layout(name))
    click.echo("stopped" if stopped else "the server does not run")


@local.command("status")
@_name
@options.as_json
def status_command(name: str, as_json: bool) -> None:
    """Say what is up. Exit code 0: everything."""
    found = status(Layout(name))
    if as_json:
        options.print_json(found.as_dict())
    else:
        _print_status(found)
    if not found.whole:
        sys.exit(1)


def _print_status(found: Status) -> None:
    table = Table("part", "address", "state", "detail")
    for part in found.parts:
        table.add_row(
            escape(part.name),
            escape(part.address),
            "well" if part.well else "[red]ill[/red]",
            escape(part.detail),
        )
    options.console().print(table)
    if not found.whole:
        click.echo("not whole; mend it with: make up (or fleet local up --no-run)", err=True)
