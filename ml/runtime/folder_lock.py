"""One run at a time in a folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ml.runtime.errors import UserError

try:
    import fcntl
except ImportError:  # a system that has no such locks
    fcntl = None


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Make a folder and keep other runs from writing to it; the lock ends with the process, too.

    Raises
    ------
    UserError
        Another run is writing to it.
    OSError
        There can be no such folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield
        return
    # the folder itself is locked, so that no file is left in it
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            "another run is writing to this folder",
            where=f"--out {folder}",
            mend="name another folder, or wait until that run has ended",
        ) from None
    except OSError:
        # a file system without locks
        return
