"""How much room images take while they are built."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from fleet.errors import FleetError
from fleet.images.catalog import ImageSpec
from fleet.images.model import Torch

GB = 10**9
#: Of an image with PyTorch: its wheels, its layers, and both once more while it is exported.
_WITH_TORCH: dict[Torch, int] = {"cpu": 3 * GB, "cuda": 19 * GB}
_OTHER = GB
_MEND = "make room: `docker system prune` shows what Docker could give back, `apt-get clean`"
_MEND_CUDA = (
    ". Most of it is for the CUDA build of PyTorch; on a machine without an NVIDIA driver, "
    "PIP_FIND_LINKS=FOLDER, a folder with a `torch-…+cpu` wheel, has the small CPU build taken "
    "(`fleet images build` does it with --torch cpu too)"
)


def room(images: Iterable[ImageSpec], torch: Torch) -> int:
    """Bytes that building these images takes."""
    return sum(_WITH_TORCH[torch] if spec.has_torch else _OTHER for spec in images)


def require(needed: int, places: Iterable[Path], what: str, *, cuda: bool) -> None:
    """See that there is room.

    Parameters
    ----------
    needed : int
        Bytes.
    places : iterable of Path
        What must have that much; a directory that is not there yet is its parent's.
    what : str
        What needs it, for the message.
    cuda : bool
        Whether it is so much because of the CUDA build of PyTorch.

    Raises
    ------
    FleetError
        A place has less.
    """
    short: dict[int, str] = {}
    for path in places:
        there = next(parent for parent in (path, *path.parents) if parent.exists())
        free = shutil.disk_usage(there).free
        if free < needed:
            short[there.stat().st_dev] = f"{path} has {free / GB:.1f} GB"
    if short:
        raise FleetError(
            f"{what} needs {needed / GB:.0f} GB of free disk",
            where="; ".join(short.values()),
            mend=_MEND + (_MEND_CUDA if cuda else ""),
        )
