"""Proof that the same input gives the same content: build again from nothing, and compare."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fleet.images import engine, tree
from fleet.images.build import build


@dataclass(frozen=True)
class Comparison:
    """An image, and what is otherwise in the one that was built again.

    Parameters
    ----------
    name : str
        The image.
    paths : int
        How many paths were compared.
    summary : str
        SHA-256 of the tree of the image that is there.
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

    The second build takes nothing from the builder's cache, and makes its Debian bases anew where
    they are made here. It is removed afterwards.

    Parameters
    ----------
    names, torch, bases, echo
        As of :func:`fleet.images.build.build`.
    """
    names = list(names)
    first = build(names, torch=torch, bases=bases, echo=echo)
    kept = set(engine.our_images())
    try:
        second = build(names, torch=torch, bases=bases, again=True, echo=echo)
        return [_compare(name, first[name].image_id, second[name].image_id) for name in names]
    finally:
        for reference in sorted(set(engine.our_images()) - kept):
            if reference.endswith("-again"):
                engine.query("image", "rm", reference)


def _compare(name: str, first: str, second: str) -> Comparison:
    one = tree.of_image(first)
    return Comparison(
        name=name,
        paths=len(one),
        summary=tree.summary(one),
        differences=tree.differences(one, tree.of_image(second)),
    )
