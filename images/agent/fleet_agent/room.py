"""Whether there is room on the node's disk for what a task takes down as it starts."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

#: More than a record of a task in hand takes, with its folder.
BYTES = 16384


def check_room(folder: Path) -> None:
    """Write something, and have it on the disk.

    Parameters
    ----------
    folder : Path
        Where; made when missing.

    Raises
    ------
    OSError
        It is full, broken, or only to be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Nothing that a file system could write as a hole.
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(os.urandom(BYTES))
        file.flush()
        os.fsync(file.fileno())
