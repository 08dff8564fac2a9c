"""What is none of the fleet's must not be what the fleet declares."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator

from fleet.spec.contract import Contract
from fleet.spec.problems import Problem
from fleet.spec.wording import listed

# What stands for any character, or for one of several; and the number that ends a worker's id.
_OPEN = re.compile(r"\[[!]?\]?[^\]]*\]|[*?]")
_NUMBER = re.compile(r":[0-9]*$")


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
            elif _fits_anything(pattern):
                yield contract.problem(
                    "unmanaged-everything",
                    f"'{pattern}' fits any {kind[:-1]}: it would hide all {kind} of the server "
                    "from `fleet plan`",
                    *keys,
                    mend="name those that are not the fleet's, by a pattern such as team-b-*",
                )
            elif kind == "queues":
                yield from _declared(contract, pattern, keys)


def _fits_anything(pattern: str) -> bool:
    """Whether a pattern names nobody: no letter and no digit of it is a fixed one."""
    fixed = _OPEN.sub("", _NUMBER.sub("", pattern))
    return not any(character.isalnum() for character in fixed)


def _declared(contract: Contract, pattern: str, keys: tuple[str | int, ...]) -> Iterator[Problem]:
    hidden = [name for name in contract.spec.queues if fnmatch.fnmatchcase(name, pattern)]
    if hidden:
        yield contract.problem(
            "unmanaged-declared-queue",
            f"'{pattern}' matches {listed(hidden, 'and')}, which this file declares",
            *keys,
            mend="narrow the pattern, or remove the queue from `queues`",
        )
