"""Read a text file that somebody named: whatever it is, an answer and never a wait."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from fleet.spec.problems import Place, Problem

# A contract of a thousand queues has a tenth of it.
_MAX_BYTES = 1024 * 1024


def read_text(path: Path) -> str:
    """The text of a file.

    Raises
    ------
    Problem
        It is missing, no regular file, too large, empty, or not UTF-8 text.
    """
    data = _read(path)
    if not data.strip():
        raise _problem(
            path, "empty-file", "the file is empty", "restore it from git: git log -- queues.yml"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        raise Problem(
            "unreadable-file",
            f"{path.name} cannot be read: it is not UTF-8 text",
            place=Place(str(path), line, column),
            mend="check the path, or save the file as UTF-8",
        ) from None


def _read(path: Path) -> bytes:
    try:
        # Non-blocking: opening a pipe would wait for somebody who writes into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            _check_kind(path, os.fstat(descriptor).st_mode)
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    except ValueError:  # a NUL character
        raise _unreadable(path, "this is no path") from None
    if len(data) > _MAX_BYTES:
        raise _unreadable(path, "it is larger than 1 MiB, which no queues.yml is")
    return data


def _check_kind(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise _unreadable(path, "it is not a regular file")


def _unreadable(path: Path, reason: str) -> Problem:
    return _problem(
        path,
        "unreadable-file",
        f"{path.name or path} cannot be read: {reason}",
        "check the path, or restore the file from git",
    )


def _problem(path: Path, rule: str, what: str, mend: str) -> Problem:
    return Problem(rule, what, place=Place(str(path)), mend=mend)
