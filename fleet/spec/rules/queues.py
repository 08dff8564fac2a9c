"""Queues and phases: every phase has a queue, every queue a group and a place of its own in it."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.spec.contract import Contract
from fleet.spec.problems import Problem
from fleet.spec.wording import nearest
from ml.catalog import PHASES


def check(contract: Contract) -> Iterator[Problem]:
    """Breaches of the rules about queues."""
    yield from _groups(contract)
    yield from _phases(contract)
    yield from _phases_without_queue(contract)
    yield from _ties(contract)


def _groups(contract: Contract) -> Iterator[Problem]:
    known = contract.spec.node_groups
    for name, queue in contract.spec.queues.items():
        if known and queue.node_group is not None and queue.node_group not in known:
            keys = ("queues", name, "node_group")
            yield from contract.unknown("node group", queue.node_group, known, *keys)


def _phases(contract: Contract) -> Iterator[Problem]:
    for name, queue in contract.spec.queues.items():
        for index, phase in enumerate(queue.phases):
            keys = ("queues", name, "phases", index)
            if phase is None:
                continue
            if phase not in PHASES:
                yield from contract.unknown("phase", phase, PHASES, *keys)
            elif phase in queue.phases[:index]:
                yield contract.problem(
                    "repeated-phase",
                    f"phase '{phase}' is listed twice in '{name}'",
                    *keys,
                    mend="remove one of the two",
                )


def _phases_without_queue(contract: Contract) -> Iterator[Problem]:
    if contract.is_unsure("queues", "phases"):
        return
    taken = {phase for queue in contract.spec.queues.values() for phase in queue.phases}
    taken |= contract.repeated_texts("queues")
    taken |= {nearest(phase, PHASES) for phase in taken - {None, *PHASES}}
    for phase in PHASES:
        if phase not in taken:
            yield contract.problem(
                "phase-without-queue",
                f"no queue takes the phase '{phase}'",
                "queues",
                mend=f"add {phase} to the `phases` of the queue that should run it",
            )


def _ties(contract: Contract) -> Iterator[Problem]:
    seen: dict[tuple[str, int], str] = {}
    for name, queue in contract.spec.queues.items():
        if queue.node_group is None or queue.priority is None:
            continue
        first = seen.setdefault((queue.node_group, queue.priority), name)
        if first != name:
            yield contract.problem(
                "priority-tie",
                f"queues '{first}' and '{name}' have the same priority in {queue.node_group}",
                *("queues", name, "priority"),
                mend="give each queue of a group a priority of its own: 1 is served first",
            )
