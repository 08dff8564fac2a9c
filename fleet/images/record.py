"""What this checkout built and pulled, so that it takes away that, and only that.

Another checkout on the machine may be at other inputs, and use its images still.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from fleet.images import engine


def note(name: str, reference: str, path: Path) -> list[str]:
    """Write down an image or base that is there now, and untag what it replaces.

    Parameters
    ----------
    name : str
        What it is; one reference is kept for each.
    reference : str
        What the engine calls it.
    path : Path
        The record.

    Returns
    -------
    list of str
        What was untagged; Docker keeps what a container still uses.
    """
    last = read(path)
    older = last.get(name, reference)
    gone = [] if older == reference else _names([older], engine.our_images())
    for old in gone:
        engine.query("image", "rm", old)
    path.write_text(json.dumps({**last, name: reference}))
    return gone


def read(path: Path) -> dict[str, str]:
    """The references that were written down, by name."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def remove_all(path: Path) -> tuple[int, int]:
    """Remove what was written down; how many images went, and how many there were.

    An image that somebody's container uses stays, as does one that bears another name too.
    """
    names = _names(read(path).values(), engine.our_images())
    before = _ids(names)
    for name in names:
        engine.query("image", "rm", name)
    return len(before - _ids(sorted(before))), len(before)


def _names(references: Iterable[str], ours: dict[str, str]) -> list[str]:
    """Each reference, and what a push left: the same behind a registry's address."""
    found = list(references)
    pushed = [name for name in ours if any(name.endswith(f"/{tag}") for tag in found)]
    return [*found, *(name for name in pushed if name not in found)]


def _ids(names: Iterable[str]) -> set[str]:
    return {image["Id"] for name in names if (image := engine.inspect(name))}
