"""Where a host or a variable stands in the files of an inventory."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from ansible._internal._datatag._tags import Origin

from fleet.inventory.model import shown
from fleet.spec import Place

# A host's name, or with the bracket before it that of a group in INI.
_WORD = re.compile(r"[ \t]*[\"']?(\[?[^\s\"'#;\[\]:]+)")


def of_value(value: Any) -> Place | None:
    """Where Ansible read a value, or a key; None where it does not say."""
    origin = value if isinstance(value, Origin) else Origin.get_tag(value)
    if origin is None or origin.path is None:
        return None
    return Place(shown(origin.path), origin.line_num or None, origin.col_num or None)


def of_variable(variables: Mapping[str, Any], name: str, part: Any = None) -> Place | None:
    """Where a host's variable stands.

    Parameters
    ----------
    variables : mapping
        Raw values, as Ansible read them.
    name : str
        Name of the variable.
    part : object
        The part of its value that is meant; by default all of it.
    """
    place = of_value(part) or of_value(variables.get(name))
    # What is true, false or empty cannot bear an origin; its name can.
    return place or next((of_value(key) for key in variables if key == name), None)


class HostLines:
    """Where the files of an inventory name its hosts; each file is read once, when it is asked."""

    def __init__(self) -> None:
        self._files: dict[str, dict[str, tuple[int, int]]] = {}

    def place(self, name: str, source: str | None) -> Place | None:
        """Where a host is first named.

        Parameters
        ----------
        name : str
            Its name, as Ansible gave it.
        source : str or None
            The file that Ansible read it from.
        """
        place = of_value(name)
        if place is not None or not source or not os.path.isfile(source):
            return place
        if source not in self._files:
            # What a program says has no lines.
            self._files[source] = {} if os.access(source, os.X_OK) else _first_words(source)
        return Place(shown(source), *self._files[source].get(name, (None, None)))


def _first_words(file: str) -> dict[str, tuple[int, int]]:
    """First word of each line → line and column, both from 1, where it first is the first."""
    found: dict[str, tuple[int, int]] = {}
    with open(file, encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            word = _WORD.match(line)
            if word:
                column = word.start(1) + 1 + word[1].startswith("[")
                found.setdefault(word[1], (number, column))
    return found
