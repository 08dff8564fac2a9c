"""`fleet plan`."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from fleet.clearml_api import connect
from fleet.cli import difference, options
from fleet.cli.slots import SlotsAsJson, SlotsAsTable, waiting_room
from fleet.drift import Difference, Live, Wanted, compare, read_live
from fleet.drift.commands import GIT_URL, PLAIN, Commands, seen_from
from fleet.drift.templates import published_code
from fleet.errors import FleetError
from fleet.images import digests
from fleet.inventory import Inventory, read_declared
from fleet.paths import REPOSITORY, local_fleet_dir
from fleet.plan import plan_fleet
from fleet.spec import SPEC_FILE

_NOT_BUILT = "(not built)"
_UNKNOWN_REGISTRY = "REGISTRY"
_DRIFT = 2


class _Command(click.Command):
    """A command whose exit code 2 means drift: a wrong command line is an error as others are."""

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        try:
            return super().make_context(*args, **options)
        except click.UsageError as error:
            error.exit_code = 1
            raise


@click.command(cls=_Command)
@click.option(
    "-i",
    "--inventory",
    "inventory_paths",
    type=click.Path(path_type=Path, exists=True),
    multiple=True,
    default=[REPOSITORY / "inventories" / "local"],
    show_default="inventories/local",
    help="The inventory; several count as one, as for ansible-playbook.",
)
@click.option("--offline", is_flag=True, help="Show what is declared; ask no server.")
@click.option(
    "--registry",
    metavar="HOST[:PORT]",
    help="Registry that the nodes pull from; by default fleet_registry of the inventory.",
)
@click.option(
    "--digests",
    "digests_file",
    type=click.Path(path_type=Path),
    help="What was built and pushed; by default fleet_digests_file of the inventory.",
)
@click.option(
    "--spec",
    "spec_file",
    type=click.Path(path_type=Path),
    help="The contract; by default fleet_queues_file of the inventory.",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="A clearml.conf; by default queues_config_file of the inventory.",
)
@options.as_json
def plan(
    inventory_paths: tuple[Path, ...],
    offline: bool,
    registry: str | None,
    digests_file: Path | None,
    spec_file: Path | None,
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Compare what queues.yml and an inventory declare with what the server has.

    Shows the slots of each node, then each queue, worker and template that is otherwise on the
    server: to add, to change, to remove, or unknown to us. It changes nothing.

    Exit code: 0 equal, 2 differences, 1 an error, a wrong command line included.
    """
    given = {
        "fleet_queues_file": spec_file,
        "fleet_registry": registry,
        "fleet_digests_file": digests_file,
        "queues_config_file": config_file,
    }
    spec, inventory = read_declared(inventory_paths, spec_file)
    digests_file = digests_file or inventory.digests_file
    built = digests.by_name(digests_file or digests.PATH)
    registry = registry or inventory.registry
    if offline:
        # What is not built yet has no digest, and the plan is worth seeing all the same.
        built = dict.fromkeys(spec.images, _NOT_BUILT) | built
        live, commands = None, PLAIN
    else:
        _need("fleet_registry", registry, "--registry", inventory)
        # Without a file that it names, an inventory means the checkout's.
        if "fleet_digests_file" in inventory.unknown:
            _need("fleet_digests_file", digests_file, "--digests", inventory)
        config = _config(config_file, inventory)
        live = read_live(connect(config))
        commands = _commands(inventory, given, registry, config, digests_file, live)
    if not as_json:
        for note in inventory.notes:
            click.echo(f"note: {note}", err=True)
    wanted = Wanted(spec, registry or _UNKNOWN_REGISTRY, built, commands)
    with waiting_room() as kept:
        slots = SlotsAsJson(kept) if as_json else SlotsAsTable(kept)
        plans = slots.pass_on(
            plan_fleet(spec, inventory.nodes, registry=wanted.registry, digests=built)
        )
        if live is None:
            deque(plans, maxlen=0)
            found = None
        else:
            found = list(compare(wanted, plans, live))
        _show(slots, found, live, inventory.notes, commands)
    if found:
        raise click.exceptions.Exit(_DRIFT)


def _need(variable: str, value: object, option: str, inventory: Inventory) -> None:
    """See that something is known that the inventory or an option says."""
    if value is None:
        raise FleetError(
            f"{variable} {inventory.why_not(variable)}",
            where=inventory.path,
            mend=f"set {variable}, or give {option}; --offline shows what is declared",
        )


def _config(given: Path | None, inventory: Inventory) -> Path:
    path = given or inventory.config_file
    _need("queues_config_file", path, "--config", inventory)
    if not path.expanduser().is_file():
        raise FleetError(
            f"there is no configuration of the server: {path}",
            where="--config" if given else f"{inventory.path}, queues_config_file",
            mend="name a clearml.conf, or start the fleet that it is of (a local one: `make up`); "
            "--offline shows what is declared",
        )
    return path


def _commands(
    inventory: Inventory,
    given: Mapping[str, Path | str | None],
    registry: str,
    config: Path,
    digests_file: Path | None,
    live: Live,
) -> Commands:
    """The commands that mean this very fleet: its inventory, server, registry and contract."""
    variables = {
        name: os.path.abspath(value) if isinstance(value, Path) else value
        for name, value in given.items()
        if value is not None
    }
    publishing = {}
    # A local fleet's own are what `fleet template publish` takes by itself.
    if local_fleet_dir().resolve() not in config.expanduser().resolve().parents:
        publishing |= {
            "--config": seen_from(config.expanduser()),
            "--repository": next(filter(None, map(_repository, live.templates.values())), GIT_URL),
            "--registry": registry,
        }
        if digests_file and digests_file.expanduser().resolve() != digests.PATH.resolve():
            publishing["--digests"] = seen_from(digests_file.expanduser())
    spec_file = inventory.spec_file
    if spec_file and spec_file.resolve() != SPEC_FILE.resolve():
        publishing["--spec"] = seen_from(spec_file)
    return Commands(inventory.paths, variables, publishing)


def _repository(template: Mapping[str, Any]) -> str:
    return published_code(template).repository


def _show(
    slots: SlotsAsJson | SlotsAsTable,
    found: list[Difference] | None,
    live: Live | None,
    notes: Sequence[str],
    commands: Commands,
) -> None:
    if isinstance(slots, SlotsAsJson):
        slots.show(_as_data(slots, found, live) | {"notes": list(notes)})
        return
    slots.show()
    if found is not None:
        _print_differences(found, live, commands)


def _as_data(
    slots: SlotsAsJson, found: list[Difference] | None, live: Live | None
) -> dict[str, Any]:
    counts = {"nodes": slots.nodes, "slots": slots.slots}
    if found is None or live is None:
        return {"differences": None, "counts": counts, "server": None}
    return {
        "differences": [item.as_data() for item in found],
        "resting": {worker: rest.as_data() for worker, rest in live.resting.items()},
        "counts": counts | difference.count(found),
        "commits": _commits(live),
        "server": live.server,
    }


def _commits(live: Live) -> dict[str, str]:
    """Phase → the commit that its template is published at."""
    return {phase: published_code(task).commit for phase, task in live.templates.items()}


def _print_differences(found: list[Difference], live: Live, commands: Commands) -> None:
    commits = sorted({commit[:12] for commit in _commits(live).values()})
    published = f", templates at commit {', '.join(commits)}" if commits else ""
    click.echo(f"\nserver {live.server}, workers: {len(live.workers)}{published}\n")
    for line in difference.lines(found, commands):
        click.echo(line)
    for line in difference.resting_lines(live.resting):
        click.echo(line)
