"""`fleet images`: build the images, and list them."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import click

from fleet.errors import FleetError
from fleet.images import BuiltImage, build, digests, present
from fleet.images.catalog import load_images
from fleet.images.release import release
from fleet.images.reproduce import reproduce

_MOST_LINES = 30
_torch = click.option(
    "--torch",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="PyTorch of the cuda image; auto: cpu on a machine without an NVIDIA driver whose pip "
    "settings offer a CPU wheel.",
)
_bases = click.option(
    "--bases",
    type=click.Choice(["auto", "registry", "debootstrap"]),
    default="auto",
    show_default=True,
    help="Where the Debian bases come from; auto: a registry, else debootstrap.",
)


@click.group()
def images() -> None:
    """Build the task and agent images, and list them."""


@images.command(name="build")
@click.argument("names", nargs=-1)
@click.option("--push", "push_to", metavar="HOST:PORT", help="Push to this registry.")
@_torch
@_bases
@click.option(
    "--digests",
    "digests_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=digests.PATH,
    show_default="images/digests.yml",
    help="Where it is written what was pushed; the bills of materials go into sbom/ beside it.",
)
@click.option(
    "--test/--no-test",
    default=True,
    show_default=True,
    help="Test the images that nodes pull; with one that fails, none is pushed.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the images as JSON at the end.")
def build_command(
    names: tuple[str, ...],
    push_to: str | None,
    torch: str,
    bases: str,
    digests_file: Path,
    test: bool,
    as_json: bool,
) -> None:
    """Build the images NAMES, all of images/images.yml by default, and test those for nodes.

    What is there already, of the same inputs, is not built again; with --push, what the
    registry has is not pushed again, and images/digests.yml is written. A bill of materials
    (CycloneDX) of each tested image is in images/sbom/.
    """
    start = time.monotonic()
    built = (release if test else build)(
        names or load_images(),
        push_to=push_to,
        torch=torch,
        bases=bases,
        digests_file=digests_file,
        echo=lambda line: click.echo(line, err=as_json),
    )
    if as_json:
        click.echo(json.dumps({name: asdict(image) for name, image in built.items()}, indent=2))
    else:
        click.echo(f"images: {len(built)} ready after {time.monotonic() - start:.1f} s")


@images.command(name="reproduce")
@click.argument("names", nargs=-1)
@_torch
@_bases
def reproduce_command(names: tuple[str, ...], torch: str, bases: str) -> None:
    """Prove of the images NAMES, by default all, that the same input gives the same content.

    Each is built once more from nothing (no cache, a base made anew) and compared path by path:
    content, mode and owner, not time. Exit code 1 where any differs.
    """
    compared = reproduce(names or load_images(), torch=torch, bases=bases, echo=click.echo)
    for one in compared:
        if not one.differences:
            click.echo(f"{one.name}: {one.paths} paths are the same, {one.summary[:19]}…")
            continue
        click.echo(f"{one.name}: {len(one.differences)} of {one.paths} paths differ")
        for line in one.differences[:_MOST_LINES]:
            click.echo(f"   {line}")
    if differing := [one.name for one in compared if one.differences]:
        raise FleetError(
            f"what was built again differs: {', '.join(differing)}",
            mend="mend what makes it so: docs/images.md says what may differ",
        )


@images.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """List the images on this machine."""
    found = present()
    if as_json:
        click.echo(json.dumps([asdict(image) for image in found], indent=2))
        return
    for image in found:
        click.echo(_line(image))
    if not found:
        click.echo("no images yet; build them: fleet images build")


def _line(image: BuiltImage) -> str:
    notes = [f"base from {image.base}"]
    if image.torch:
        notes.append(f"PyTorch for {image.torch}")
    notes.append(f"pushed as {image.digest[:19]}…" if image.digest else "not pushed")
    return f"{image.reference:36} {', '.join(notes)}"
