"""Build images, test them, write what is in them, push them: in this order, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fleet.images import digests, sbom
from fleet.images.build import build
from fleet.images.catalog import ImageSpec, lineage, load_images
from fleet.images.examine import Installed, examine
from fleet.images.model import BuiltImage
from fleet.images.pushing import push_all

_TESTS_AT_ONCE = 2


def release(
    names: Iterable[str],
    *,
    push_to: str | None = None,
    torch: str = "auto",
    bases: str = "auto",
    digests_file: Path = digests.PATH,
    echo: Callable[[str], None] = print,
) -> dict[str, BuiltImage]:
    """Build the named images; those for nodes are tested, billed, and pushed where that is said.

    Parameters
    ----------
    names, push_to, torch, bases, echo
        As of :func:`fleet.images.build.build`.
    digests_file : Path
        Where the digests of what was pushed are written down; the bills of materials are written
        into the folder `sbom` beside it.

    Returns
    -------
    dict of str to BuiltImage
        One for each name asked for.

    Raises
    ------
    FleetError
        As of `build`, and where an image does not pass its test: then none is pushed, and the
        digests and bills stay as they were.
    """
    specs = load_images()
    built = build(names, torch=torch, bases=bases, echo=echo)
    for_nodes = [image for name, image in built.items() if specs[name].push]
    bills = {
        name: sbom.document(built[name], installed, lineage_base(name, specs))
        for name, installed in _tested(for_nodes, specs, echo).items()
    }
    folder = sbom.folder_beside(digests_file)
    if push_to:
        hashes = {name: sbom.sha256(text) for name, text in bills.items()}
        built |= push_all(for_nodes, push_to, digests_file=digests_file, bills=hashes, echo=echo)
    for name, text in bills.items():
        sbom.write(text, name, folder)
    if bills:
        echo(f"images: what is in {', '.join(bills)} is written in {folder}")
    return built


def lineage_base(name: str, specs: Mapping[str, ImageSpec]) -> str:
    """The base of bases.yml that an image stands on."""
    return specs[lineage(name, dict(specs))[0]].parent


def _tested(
    images: Iterable[BuiltImage], specs: Mapping[str, ImageSpec], echo: Callable[[str], None]
) -> dict[str, Installed]:
    """What is installed in each image, once all have passed their tests."""
    with ThreadPoolExecutor(max_workers=_TESTS_AT_ONCE) as pool:
        tests = {image.name: pool.submit(examine, image, specs, echo) for image in images}
        return {name: test.result() for name, test in tests.items()}
