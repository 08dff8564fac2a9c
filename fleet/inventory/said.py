"""What Ansible says of an inventory while it reads it, as problems and notes with their places."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ansible.errors import AnsibleError
from ansible.utils.display import Display

from fleet.inventory import places
from fleet.inventory.model import UNREADABLE, shown
from fleet.spec import Place, Problem

MEND = "see also what Ansible says: ansible-inventory -i INVENTORY --list"

_PLUGIN = re.compile(r"inventory with '([^']+)' plugin")
_QUOTED = re.compile(r"""['"(]([^'"()]+)['")]""")
# One plugin says so of each file that is for another one.
_OF_ANOTHER = (
    "no root 'plugin' key",
    "Plugin configuration YAML file",
    "Invalid host pattern '---'",
)
# What Ansible skips is lost: a user never means that.
_FAULTS = {"Skipping ": "inventory-skipped", "Found duplicate mapping key": "duplicate-key"}
_UNSAID = ("Unable to parse ", "No inventory was parsed", "Deprecation warnings can be disabled")
_DATA = (".yml", ".yaml", ".json")


@dataclass(frozen=True)
class Said:
    """A warning.

    Attributes
    ----------
    text : str
        What it says.
    place : Place or None
        Where, if it says that.
    plugin : str
        The inventory plugin that could not read a file; empty for other warnings.
    """

    text: str
    place: Place | None
    plugin: str = ""


@contextlib.contextmanager
def listening() -> Iterator[list[Said]]:
    """Collect Ansible's warnings instead of showing them."""
    heard: list[Said] = []

    def warning(msg: str, *_: Any, obj: Any = None, **__: Any) -> None:
        heard.append(Said(_line(msg), places.of_value(obj)))

    def error_as_warning(msg: str | None, exception: BaseException, **_: Any) -> None:
        plugin = _PLUGIN.search(msg or "")
        # A program's own words, for instance, are there.
        more = getattr(exception, "_help_text", None)
        text = f"{reason(exception)} ({_line(more)})" if more else reason(exception)
        heard.append(Said(text, place_of(exception), plugin[1] if plugin else ""))

    # There is one display, and all of Ansible's code has it.
    display = Display()
    replaced: dict[str, Callable[..., None]] = {
        "warning": warning,
        "deprecated": warning,
        "error_as_warning": error_as_warning,
    }
    vars(display).update(replaced)
    try:
        yield heard
    finally:
        for name in replaced:
            vars(display).pop(name, None)


def unreadable(file: str, said: list[Said], lines: places.HostLines) -> Problem:
    """The problem that no plugin could read a file, from what each of them said."""
    failure = _telling(file, [item for item in said if item.plugin])
    if failure is None:
        text, place = "none of Ansible's inventory plugins knows the format", None
    else:
        text, place = failure.text, failure.place
    place = place or _named_in(text, file, lines)
    return Problem(UNREADABLE, f"Ansible cannot read it: {text}", place=place, mend=MEND)


def problems_and_notes(
    said: list[Said], path: str, files: list[str], lines: places.HostLines
) -> tuple[list[Problem], list[str]]:
    """What else was said: what was skipped is a problem, the rest is told as it is.

    Parameters
    ----------
    said : list of Said
        All warnings.
    path : str
        The inventory.
    files : list of str
        The files that were read of it.
    lines : HostLines
        Finds names in them.
    """
    problems, notes = [], []
    for item in dict.fromkeys(said):
        if item.plugin or item.text.startswith(_UNSAID):
            continue
        rule = next((rule for start, rule in _FAULTS.items() if item.text.startswith(start)), None)
        if rule is None:
            at = f" ({item.place})" if item.place else ""
            notes.append(f"Ansible says: {item.text}{at}")
            continue
        named = (_named_in(item.text, file, lines) for file in files)
        place = item.place or next((found for found in named if found.line), None)
        mend = "correct the line: what Ansible leaves out, no node gets"
        problems.append(Problem(rule, item.text, place=place or Place(shown(path)), mend=mend))
    return problems, notes


def reason(error: BaseException) -> str:
    """What an error of Ansible says, as one line."""
    return _line(error.message if isinstance(error, AnsibleError) else str(error))


def place_of(error: BaseException | None) -> Place | None:
    """The place that an error names, or one of its causes does."""
    while error is not None:
        place = places.of_value(getattr(error, "obj", None))
        if place is not None and place.line is not None:
            return place
        error = error.__cause__ or error.__context__
    return None


def _telling(file: str, failures: list[Said]) -> Said | None:
    """What the plugin said that the file is for."""
    own = [item for item in failures if not item.text.startswith(_OF_ANOTHER)]
    if os.access(file, os.X_OK):
        first = ("script",)
    elif file.endswith(_DATA):
        first = ("auto", "yaml")
    else:
        first = ("ini",)
    by_plugin = {item.plugin.rpartition(".")[2]: item for item in own}
    return next((by_plugin[name] for name in first if name in by_plugin), own[0] if own else None)


def _named_in(text: str, file: str, lines: places.HostLines) -> Place:
    """The first place of a file that names a host or a group that a message names."""
    for match in _QUOTED.finditer(text):
        name = match[1].rstrip(":")
        for word in (f"[{name}", name):
            place = lines.place(word, file)
            if place is not None and place.line is not None:
                return place
    return Place(shown(file))


def _line(text: str) -> str:
    return " ".join(text.split()).removeprefix("Failed to parse inventory: ").removesuffix(".")
