"""Naming the cause of a failure: its class, and one line that says it."""

from __future__ import annotations

import errno
import re
import traceback
from dataclasses import dataclass

from ml.runtime.errors import UserError

CLASSES = (
    "queue",
    "dependency",
    "data-access",
    "permission",
    "resource",
    "timeout",
    "override",
    "code",
    "infrastructure",
)

# the learning libraries have errors of their own for what C++ calls bad_alloc
_NO_MEMORY = re.compile(
    r"bad_alloc|bad allocation|out of memory|MemoryError|MemoryAllocation|memory allocation error"
    r"|(can't|cannot|unable to|failed to) allocate|excessive memory usage",
    re.IGNORECASE,
)
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_NO_ROOM = {*_DISK_FULL, errno.ENOMEM, errno.EMFILE}


@dataclass(frozen=True)
class Failure:
    """What made a step fail.

    Parameters
    ----------
    failure_class : str
        One of :data:`CLASSES`.
    summary : str
        One line, for a table.
    detail : str
        What the log shows: no traceback where the user can mend it.
    """

    failure_class: str
    summary: str
    detail: str


def describe(error: BaseException) -> Failure:
    """Class, line and log text of an exception that ended a step."""
    if isinstance(error, UserError):
        return Failure(error.failure_class, error.what, f"error: {error}")
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        told = UserError(
            "the disk is full",
            where=str(error.filename or ""),
            mend="make room on it, or write to another one",
            failure_class="resource",
        )
        return describe(told)
    failure_class = classify(error)
    said = str(error) or ("out of memory" if failure_class == "resource" else "")
    summary = " ".join(f"{type(error).__name__}: {said}".split()).removesuffix(":")
    return Failure(failure_class, summary, "".join(traceback.format_exception(error)))


def classify(error: BaseException) -> str:
    """The class of an exception that is not a user's mistake."""
    if isinstance(error, ImportError):
        return "dependency"
    if isinstance(error, PermissionError):
        return "permission"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, MemoryError) or _is_for_want_of_memory(error):
        return "resource"
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return "resource"
    # requests' exceptions are OSErrors; so are the built-in connection errors
    if isinstance(error, ConnectionError) or type(error).__module__.startswith("requests"):
        return "infrastructure"
    if isinstance(error, FileNotFoundError):
        return "data-access"
    return "code"


def tells_of_memory(text: str) -> bool:
    """Whether an error's text says that there was no memory left, whoever wrote it."""
    return bool(_NO_MEMORY.search(text))


def _is_for_want_of_memory(error: BaseException) -> bool:
    """Of a device too: torch has an OutOfMemoryError, XGBoost a text."""
    if type(error).__name__ == "OutOfMemoryError":
        return True
    return tells_of_memory(str(error))
