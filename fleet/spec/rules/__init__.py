"""Rules of queues.yml that span more than one entry, by theme."""

from __future__ import annotations

from fleet.spec.contract import Contract
from fleet.spec.problems import Problem
from fleet.spec.rules import access, data, environment, groups, queues, unmanaged

_THEMES = (
    queues.check,
    groups.check,
    data.check,
    access.check,
    environment.check,
    unmanaged.check,
)


def check(contract: Contract) -> list[Problem]:
    """All breaches of the rules."""
    return [problem for theme in _THEMES for problem in theme(contract)]
