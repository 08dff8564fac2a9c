"""Columns as messages name them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MAX_LISTED = 20


def listed(names: Iterable[object]) -> str:
    """Column names for a message: the first ones, and how many more there are."""
    texts = [str(name) for name in names]
    shown = ", ".join(texts[:MAX_LISTED])
    more = len(texts) - MAX_LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about a name that is not there: the nearest that is, if one is near."""
    lowered = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.strip().lower(), lowered, n=1, cutoff=0.5)
    return f"; did you mean {lowered[close[0]]!r}?" if close else ""
