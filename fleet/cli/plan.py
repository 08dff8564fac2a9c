"""`fleet plan`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from fleet.cli import options
from fleet.images import digests
from fleet.inventory import read_nodes
from fleet.paths import REPOSITORY
from fleet.plan import as_data, plan_node
from fleet.spec import load

_NOT_BUILT = "(not built)"


@click.command()
@click.option(
    "-i",
    "--inventory",
    type=click.Path(path_type=Path, exists=True),
    default=REPOSITORY / "inventories" / "local",
    show_default="inventories/local",
    help="The inventory.",
)
@click.option("--registry", default="REGISTRY", help="Registry that the nodes pull from.")
@click.option(
    "--digests",
    "digests_file",
    type=click.Path(path_type=Path),
    default=digests.PATH,
    show_default="images/digests.yml",
    help="What was built and pushed.",
)
@options.spec_file
@options.as_json
def plan(
    inventory: Path, registry: str, digests_file: Path, spec_file: Path, as_json: bool
) -> None:
    """Show the slots of each node: what queues.yml and an inventory make together."""
    spec = load(spec_file)
    # What is not built yet has no digest, and the plan is worth seeing all the same.
    built = dict.fromkeys(spec.images, _NOT_BUILT) | digests.by_name(digests_file)
    plans = [
        plan_node(spec, node, registry=registry, digests=built)
        for node in read_nodes(inventory, groups=spec.node_groups)
    ]
    if as_json:
        options.print_json([as_data(node) for node in plans])
        return
    table = Table("node", "slot", "queues, in order", "image", "GPUs")
    for node in plans:
        for slot in node.slots:
            gpus = ", ".join(slot.devices) or "-"
            name = f"{slot.worker_id} (services)" if slot.services else slot.worker_id
            table.add_row(node.node, name, ", ".join(slot.queues), slot.image_name, gpus)
    options.console().print(table)
