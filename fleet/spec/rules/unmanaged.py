"""What is none of the fleet's must not be what the fleet declares."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from fleet.spec.contract import Contract
from fleet.spec.problems import Problem
from fleet.spec.wording import listed


def check(contract: Contract) -> Iterator[Problem]:
    """Breaches of the rules about what is unmanaged."""
    unmanaged = contract.spec.unmanaged
    for kind, patterns in (("queues", unmanaged.queues), ("workers", unmanaged.workers)):
        for index, pattern in enumerate(patterns):
            keys = ("unmanaged", kind, index)
            if pattern is None:
                continue
            if pattern in patterns[:index]:
                yield contract.problem(
                    "repeated-name",
                    f"'{pattern}' is listed twice in unmanaged.{kind}",
                    *keys,
                    mend="remove one of the two",
                )
            elif not pattern.strip("*"):
                yield contract.problem(
                    "unmanaged-everything",
                    f"'{pattern}' hides all {kind} of the server from `fleet plan`",
                    *keys,
                    mend="name those that are not the fleet's, by a pattern such as team-b-*",
                )
            elif kind == "queues":
                yield from _declared(contract, pattern, keys)


def _declared(contract: Contract, pattern: str, keys: tuple[str | int, ...]) -> Iterator[Problem]:
    hidden = [name for name in contract.spec.queues if fnmatch.fnmatchcase(name, pattern)]
    if hidden:
        yield contract.problem(
            "unmanaged-declared-queue",
            f"'{pattern}' matches {listed(hidden, 'and')}, which this file declares",
            *keys,
            mend="narrow the pattern, or remove the queue from `queues`",
        )
