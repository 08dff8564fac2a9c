"""Reading a lock: pinned packages with hashes, as `uv pip compile --generate-hashes` writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)")


@dataclass(frozen=True)
class Pin:
    """One locked package: its version, and its lines in the lock with all their hashes."""

    name: str
    version: str
    lines: str


def parse(text: str) -> dict[str, Pin]:
    """Locked packages by name."""
    pins: dict[str, Pin] = {}
    current: list[str] = []
    for line in [*text.splitlines(), "end==0"]:
        if not _PIN.match(line):
            current.append(line)
            continue
        if current and (match := _PIN.match(current[0])):
            block = "".join(f"{kept}\n" for kept in current if not kept.lstrip().startswith("#"))
            pins[match[1]] = Pin(name=match[1], version=match[2], lines=block)
        current = [line]
    return pins


def beyond(lock: str, parents: list[str]) -> str:
    """The part of a lock that is not installed yet by the locks of the images beneath."""
    there = {(pin.name, pin.version) for text in parents for pin in parse(text).values()}
    return "".join(
        pin.lines for pin in parse(lock).values() if (pin.name, pin.version) not in there
    )
