"""One change of a local fleet at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fleet.errors import FleetError
from fleet.local.layout import of_another_user


@contextmanager
def locked(path: Path, what: str, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock while a block runs; the kernel lets go of it when the process ends.

    Parameters
    ----------
    path : Path
        The lock's file. It is removed at the end.
    what : str
        What is locked, for the message.
    wait : bool
        Whether to wait for whoever holds it.

    Raises
    ------
    FleetError
        Another process holds it, and `wait` is false; or it is another user's.
    """
    descriptor = _acquire(path, what, wait)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def held(path: Path) -> bool:
    """Whether a process holds a lock."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _acquire(path: Path, what: str, wait: bool) -> int:
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except PermissionError as error:
            raise of_another_user(path) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            holder = os.read(descriptor, 20).decode() or "unknown"
            os.close(descriptor)
            raise FleetError(
                f"{what} is being changed by another command (process {holder})",
                where=str(path),
                mend="wait until it is done, then try again",
            ) from error
        if _is_same(descriptor, path):
            return descriptor
        # Whoever held it has removed the file in the meantime: this lock guards nothing.
        os.close(descriptor)


def _is_same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
