"""Faults of many hosts: what all hosts of a group have from it is told once."""

from __future__ import annotations

from typing import Any, Protocol

from fleet.plan.findings import Finding
from fleet.spec import Place, Problem

#: How many places a fault is shown at before the rest is only counted.
SHOWN = 20


class Places(Protocol):
    """Knows where hosts and their variables stand."""

    def place_of(self, name: str, variable: str = "", part: Any = None) -> Place:
        """Where a host stands, or a variable of it, or a part of that."""


class Faults:
    """Collects findings and turns them into problems.

    Parameters
    ----------
    places : Places
        The inventory.
    """

    def __init__(self, places: Places) -> None:
        self._places = places
        # What is wrong → where → the first host that has it there, and how many have.
        self._hosts: dict[tuple[str, str, str], dict[Place, tuple[Finding, str, int]]] = {}

    def add(self, host: str, finding: Finding) -> None:
        """Note that a host has a finding."""
        there = self._hosts.setdefault((finding.rule, finding.what, finding.mend), {})
        place = self._places.place_of(host, finding.variable, finding.value)
        if place not in there and len(there) >= SHOWN:
            place = next(reversed(there))
        first, name, number = there.get(place, (finding, host, 0))
        there[place] = (first, name, number + 1)

    def problems(self) -> list[Problem]:
        """All of them, in the order in which they were first seen."""
        return [
            finding.problem(words(host, number), place)
            for there in self._hosts.values()
            for place, (finding, host, number) in there.items()
        ]


def words(host: str, number: int) -> str:
    """The first of some hosts, and how many more there are."""
    # Ansible takes names also from files that are no text.
    host = host.encode("utf-8", "backslashreplace").decode()
    if number == 1:
        return host
    return f"{host} and {number - 1:,} more host{'s' if number > 2 else ''}"
