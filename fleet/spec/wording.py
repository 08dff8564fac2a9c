"""Words that problems are told in: values and names as people read them, and near misses."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Any

_LONGEST = 60


def nearest(name: object, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """The known name that a misspelled one most likely means.

    Parameters
    ----------
    name : object
        The misspelled one.
    known : iterable of str
        Those that there are.
    likeness : float
        From 0 to 1: how alike they are at least, as :mod:`difflib` counts it.
    """
    # Imported late: a file that is right has no near misses.
    import difflib

    by_lower = {other.lower(): other for other in known}
    found = difflib.get_close_matches(str(name).lower(), by_lower, n=1, cutoff=likeness)
    return by_lower[found[0]] if found else None


def hint(name: object, known: Iterable[str]) -> str:
    """`did you mean 'x'? ` where there is a near miss, else nothing."""
    found = nearest(name, known)
    return f"did you mean '{found}'? " if found else ""


def listed(names: Iterable[object], last: str = "or") -> str:
    """`a, b or c`."""
    words = [str(name) for name in names]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def shown(value: Any) -> str:
    """A value of the file, as a message names it."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, datetime.date):
        return f"the date {value.isoformat()}"
    try:
        text = repr(value)
    except ValueError:  # Python writes no integers of thousands of digits
        return "an endless number"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def label(keys: Iterable[str | int]) -> str:
    """A path of keys as a message names it: `queues.cpu-train.phases, item 2`."""
    text = ""
    for key in keys:
        if isinstance(key, int):
            text += f", item {key + 1}"
            continue
        word = key if key.isprintable() and key else repr(key)
        if len(word) > _LONGEST:
            word = f"{word[: _LONGEST - 1]}…"
        text += f".{word}" if text else word
    return text
