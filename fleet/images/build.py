"""Build images, push them, and write down what was pushed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import get_args

from fleet.command import use_system_path
from fleet.errors import FleetError
from fleet.images import bases as base_images
from fleet.images import digests, engine, record, wheels
from fleet.images.catalog import IMAGES_DIR, ImageSpec, lineage, load_bases, load_images
from fleet.images.digests import Pushed
from fleet.images.model import BuiltImage, Torch
from fleet.images.process import Programs
from fleet.images.pushing import AT_ONCE, LOGS, push_one
from fleet.images.workshop import RECORD, Choices, Workshop, repository_of


def build(
    names: Iterable[str],
    *,
    push_to: str | None = None,
    torch: str = "auto",
    bases: str = "auto",
    digests_file: Path = digests.PATH,
    mark: str = "",
    echo: Callable[[str], None] = print,
) -> dict[str, BuiltImage]:
    """Build the named images and what they stand on; an image that is there already is kept.

    Parameters
    ----------
    names : iterable of str
        Names of images.yml.
    push_to : str, optional
        A registry, `host:port`; those of the images that have `push` in images.yml are
        pushed to it, and the digests are written down.
    torch : {"auto", "cpu", "cuda"}
        Which build of PyTorch the cuda image carries; see :func:`wheels.choose_torch`.
    bases : {"auto", "registry", "debootstrap"}
        Where the Debian bases come from.
    digests_file : Path
        Where the digests of what was pushed are written down; images/digests.yml by default.
    mark : str
        Whether to build from nothing, beside what is there; see :class:`Choices`.
    echo : callable
        Takes one line for each step; it may be called from several threads.

    Returns
    -------
    dict of str to BuiltImage
        One for each name asked for.

    Raises
    ------
    FleetError
        For anything that stops a build, with what to do about it.
    """
    specs = load_images()
    wanted = list(dict.fromkeys(names))
    if unknown := [name for name in wanted if name not in specs]:
        raise FleetError(
            f"there is no image '{unknown[0]}'",
            where=str(IMAGES_DIR / "images.yml"),
            mend=f"name one of: {', '.join(specs)}",
        )
    use_system_path()
    needed = {name: specs[name] for want in wanted for name in lineage(want, specs)}
    choices = Choices(_torch(torch, needed), _bases(bases), mark=mark)
    programs = Programs()
    workshop = Workshop(specs, load_bases(), choices, programs=programs, logs=LOGS, echo=echo)
    pushes: dict[str, Future[BuiltImage]] = {}
    known = digests.read(digests_file)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:

        def ready(image: BuiltImage) -> None:
            if push_to and image.name in wanted and specs[image.name].push:
                pushes[image.name] = pool.submit(
                    push_one, image, push_to, known.get(image.name), programs, echo
                )

        try:
            built = workshop.ensure(needed, ready)
            built |= {name: push.result() for name, push in pushes.items()}
        except BaseException:
            programs.end()
            raise
    if pushes:
        digests.update({name: Pushed.of(built[name]) for name in pushes}, digests_file)
    return {name: built[name] for name in wanted}


def to_build(wanted: Iterable[str], *, engine_answers: bool) -> tuple[dict[str, ImageSpec], Torch]:
    """The images that a build of these would make, and the PyTorch that one would carry.

    Parameters
    ----------
    wanted : sequence of str
        Names of images; what they stand on is built, too.
    engine_answers : bool
        Whether Docker can be asked; otherwise what this checkout built before is taken to be
        there still.
    """
    specs = load_images()
    lines = {ancestor for name in wanted for ancestor in lineage(name, specs)}
    names = [name for name in specs if name in lines]
    torch = _torch("auto", {name: specs[name] for name in names})
    if engine_answers:
        choices = Choices(torch=torch, bases="auto")
        workshop = Workshop(
            specs, load_bases(), choices, programs=Programs(), logs=LOGS, echo=lambda line: None
        )
        names = workshop.missing(names)
    else:
        built = record.read(RECORD)
        names = [name for name in names if name not in built]
    return {name: specs[name] for name in names}, torch


def present() -> list[BuiltImage]:
    """The images that this machine's engine has, with the digests that were pushed."""
    pushed = digests.read()
    specs = load_images()
    found = []
    for reference, image_id in sorted(engine.our_images().items()):
        name = reference.partition(":")[0].removeprefix("fleet/")
        if name not in specs or reference.partition("/")[0] != "fleet":
            continue
        labels = (engine.inspect(image_id) or {}).get("Config", {}).get("Labels") or {}
        inputs = labels.get("fleet.inputs", "")
        known = pushed.get(name)
        found.append(
            BuiltImage(
                name=name,
                image_id=image_id,
                reference=reference,
                repository=repository_of(name),
                digest=known.digest if known and known.inputs == inputs else "",
                inputs=inputs,
                base=labels.get("fleet.base", ""),
                torch=labels.get("fleet.torch", ""),
            )
        )
    return found


def _torch(wanted: str, needed: dict[str, ImageSpec]) -> Torch:
    if wanted in get_args(Torch):
        return wanted
    if wanted != "auto":
        raise FleetError(f"there is no PyTorch '{wanted}'", mend="choose auto, cpu or cuda")
    if not any(spec.has_torch for spec in needed.values()):
        return "cpu"
    return wheels.choose_torch(
        wheels.find_links(), nvidia=Path("/proc/driver/nvidia/version").exists()
    )


def _bases(wanted: str) -> base_images.Mode:
    if wanted in get_args(base_images.Mode):
        return wanted
    raise FleetError(
        f"bases cannot come from '{wanted}'", mend="choose auto, registry or debootstrap"
    )
