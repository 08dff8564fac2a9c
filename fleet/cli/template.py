"""`fleet template …`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from fleet.clearml_api import connect
from fleet.cli import options
from fleet.images import digests
from fleet.spec import load
from fleet.templates import StepCode, committed_step_code, publish
from fleet.templates.target import choose_target, offer_commit


@click.group()
def template() -> None:
    """Publish templates from committed step code."""


@template.command("publish")
@click.option("--repository", help="URL that agents clone the step code from.")
@click.option("--registry", help="Registry that nodes pull images from.")
@click.option(
    "--digests",
    "digests_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What was built and pushed; by default the local fleet's, with --registry "
    "images/digests.yml.",
)
@options.config_file
@options.spec_file
@options.as_json
def publish_command(
    repository: str | None,
    registry: str | None,
    digests_file: Path | None,
    config_file: Path | None,
    spec_file: Path,
    as_json: bool,
) -> None:
    """Make the draft tasks that users clone, one for each phase.

    Without --repository and --registry, they are the local fleet's.
    """
    spec = load(spec_file)
    commit = committed_step_code()
    target = choose_target(repository, registry)
    offer_commit(target, commit)
    published = publish(
        connect(config_file),
        spec,
        StepCode(target.repository, commit),
        registry=target.registry,
        digests=digests.by_name(digests_file or target.digests),
        echo=options.progress(as_json),
    )
    if as_json:
        options.print_json([dataclasses.asdict(item) for item in published])
