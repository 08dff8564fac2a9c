"""Proof that the same input gives the same content: build again from nothing, and compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fleet.images import engine, tree
from fleet.images.build import build
from fleet.images.tree import Tree

_AGAIN, _ONCE_MORE = "-again", "-once-more"


@dataclass(frozen=True)
class Comparison:
    """What two builds of an image have otherwise.

    Parameters
    ----------
    name : str
        The image.
    paths : int
        How many paths were compared.
    summary : str
        SHA-256 of the tree of the last one built.
    differences : list of str
        A line for each path that differs; empty where none does.
    """

    name: str
    paths: int
    summary: str
    differences: list[str]


def reproduce(
    names: Iterable[str],
    *,
    torch: str = "auto",
    bases: str = "auto",
    echo: Callable[[str], None] = print,
) -> list[Comparison]:
    """Build the images and what they stand on once more, and compare all paths of each.

    The new build takes nothing from the builder's cache, and makes its Debian bases anew where
    they are made here. Where the image that is there differs, it may be of a time when the mirror
    had other Debian packages: then a third build is compared with the second. What was built
    anew is removed.

    Parameters
    ----------
    names, torch, bases, echo
        As of :func:`fleet.images.build.build`.
    """
    names = list(names)

    def trees(mark: str = "") -> dict[str, Tree]:
        built = build(names, torch=torch, bases=bases, mark=mark, echo=echo)
        return {name: tree.of_image(built[name].image_id) for name in names}

    try:
        there, again = trees(), trees(_AGAIN)
        if there != again:
            echo("images: what is there differs, and may be older; building from nothing once more")
            there, again = again, trees(_ONCE_MORE)
    finally:
        for reference in engine.our_images():
            if reference.endswith((_AGAIN, _ONCE_MORE)):
                engine.query("image", "rm", reference)
    return [
        Comparison(
            name=name,
            paths=len(again[name]),
            summary=tree.summary(again[name]),
            differences=tree.differences(there[name], again[name]),
        )
        for name in names
    ]
