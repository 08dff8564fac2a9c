"""`fleet validate`."""

from __future__ import annotations

from pathlib import Path

import click

from fleet.cli import options
from fleet.spec import load


@click.command()
@options.spec_file
def validate(spec_file: Path) -> None:
    """Check queues.yml: everything that is knowable without a connection."""
    spec = load(spec_file)
    click.echo(
        f"{spec_file.name}: {len(spec.queues)} queues, {len(spec.node_groups)} node groups, "
        f"{len(spec.images)} images: nothing wrong"
    )
