"""Names and patterns of what is none of the fleet's."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """A test of whether a name fits any of the patterns, such as `laptop-*`, in one look."""
    expression = re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns) or r"(?!)")
    return lambda name: expression.match(name) is not None
