"""Rules of queues.yml that span more than one entry."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from fleet.errors import FleetError
from fleet.spec.models import Spec
from fleet.spec.positions import Keys, Source
from ml.catalog import PHASES


def check(spec: Spec, source: Source) -> list[FleetError]:
    """All breaches of the rules, in the order of the rules below."""
    return [
        *_references(spec, source),
        *_phases(spec, source),
        *_priorities(spec, source),
        *_groups(spec, source),
    ]


def _references(spec: Spec, source: Source) -> Iterator[FleetError]:
    for name, group in spec.node_groups.items():
        if group.image not in spec.images:
            keys = ("node_groups", name, "image")
            yield _unknown("image", group.image, spec.images, source, keys)
    for name, queue in spec.queues.items():
        if queue.node_group not in spec.node_groups:
            keys = ("queues", name, "node_group")
            yield _unknown("node group", queue.node_group, spec.node_groups, source, keys)
    if "agent" not in spec.images:
        yield FleetError(
            "no image named 'agent'",
            where=source.at(("images",)),
            mend="add `agent: {repository: fleet/agent}`: the agents themselves run from it",
        )


def _phases(spec: Spec, source: Source) -> Iterator[FleetError]:
    for name, queue in spec.queues.items():
        for index, phase in enumerate(queue.phases):
            keys = ("queues", name, "phases", index)
            if phase not in PHASES:
                yield _unknown("phase", phase, PHASES, source, keys)
            elif phase in queue.phases[:index]:
                yield FleetError(
                    f"phase '{phase}' is listed twice",
                    where=source.at(keys),
                    mend="remove one of the two",
                )
    for phase in PHASES:
        if not spec.queues_of_phase(phase):
            yield FleetError(
                f"no queue takes the phase '{phase}'",
                where=source.at(("queues",)),
                mend=f"add {phase} to the `phases` of the queue that should run it",
            )


def _priorities(spec: Spec, source: Source) -> Iterator[FleetError]:
    seen: dict[tuple[str, int], str] = {}
    for name, queue in spec.queues.items():
        first = seen.setdefault((queue.node_group, queue.priority), name)
        if first != name:
            yield FleetError(
                f"queues '{first}' and '{name}' have the same priority in {queue.node_group}",
                where=source.at(("queues", name, "priority")),
                mend="give each queue of a group a priority of its own: 1 is served first",
            )


def _groups(spec: Spec, source: Source) -> Iterator[FleetError]:
    for name, group in spec.node_groups.items():
        if not spec.queues_of_group(name):
            yield FleetError(
                f"no queue is mapped to the node group '{name}'",
                where=source.at(("node_groups", name)),
                mend="map a queue to it, or remove the group",
            )
        if group.services and group.slots not in (0, 1):
            yield FleetError(
                f"the services group '{name}' has {group.slots} slots",
                where=source.at(("node_groups", name, "slots")),
                mend="write `slots: 1`: one services agent runs many tasks at a time",
            )
        if group.slots == "per_gpu" and group.accelerator != "gpu":
            yield FleetError(
                f"'{name}' has a slot for each GPU but offers no GPU",
                where=source.at(("node_groups", name, "slots")),
                mend="add `accelerator: gpu`, or write a number of slots",
            )


def _unknown(kind: str, name: str, known: Iterable[str], source: Source, keys: Keys) -> FleetError:
    nearest = difflib.get_close_matches(name, list(known), n=1)
    hint = f"did you mean '{nearest[0]}'? " if nearest else ""
    return FleetError(
        f"{kind} '{name}' does not exist",
        where=source.at(keys),
        mend=f"{hint}there are: {', '.join(known)}",
    )
