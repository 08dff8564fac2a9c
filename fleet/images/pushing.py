"""Bring images to a registry, and write down what was pushed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from fleet.images import digests, registry
from fleet.images.digests import Pushed
from fleet.images.model import BuiltImage
from fleet.images.process import Programs
from fleet.paths import STATE

LOGS = STATE / "logs"
# Layers are compressed by one core each; the second one is for the next image's.
AT_ONCE = 2


def push_all(
    images: Iterable[BuiltImage],
    target: str,
    *,
    digests_file: Path,
    bills: Mapping[str, str],
    echo: Callable[[str], None],
) -> dict[str, BuiltImage]:
    """Push images and write their digests down; all of them, or no digest is written.

    Parameters
    ----------
    images : iterable of BuiltImage
        What to push.
    target : str
        The registry, `host:port`.
    digests_file : Path
        Where the digests are written down.
    bills : mapping of str to str
        Image → SHA-256 of its bill of materials.
    echo : callable
        Takes one line for each image, from several threads.

    Returns
    -------
    dict of str to BuiltImage
        The images with their digests, by name.
    """
    programs = Programs()
    known = digests.read(digests_file)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        pushes = {
            image.name: pool.submit(push_one, image, target, known.get(image.name), programs, echo)
            for image in images
        }
        try:
            pushed = {name: push.result() for name, push in pushes.items()}
        except BaseException:
            programs.end()
            pool.shutdown(cancel_futures=True)
            raise
    digests.update(
        {name: Pushed.of(image, bills.get(name, "")) for name, image in pushed.items()},
        digests_file,
    )
    return pushed


def push_one(
    image: BuiltImage,
    target: str,
    known: Pushed | None,
    programs: Programs,
    echo: Callable[[str], None],
) -> BuiltImage:
    """Push an image, unless the registry has it; the image with its digest."""
    if (
        known
        and known.inputs == image.inputs
        and registry.has(target, known.repository, known.digest)
    ):
        echo(f"image {image.name}: {target} has it")
        return replace(image, digest=known.digest)
    start = time.monotonic()
    log = LOGS / f"push-{image.name}.log"
    digest = registry.push(image, registry=target, log=log, programs=programs)
    seconds = time.monotonic() - start
    echo(f"image {image.name}: pushed to {target} in {seconds:.0f} s, {digest[:19]}…")
    return replace(image, digest=digest)
