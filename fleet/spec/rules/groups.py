"""Images and node groups: what a group's slots run, and what they can have."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.spec.contract import Contract
from fleet.spec.models import AGENT_IMAGE, PER_GPU, PER_MIG, Limits
from fleet.spec.problems import Problem
from fleet.spec.wording import nearest

# Ansible gives these names a meaning of its own.
_RESERVED = ("all", "ungrouped", "localhost")
_UNITS = {"MiB": 1, "GiB": 1024, "TiB": 1024 * 1024}
# Docker refuses to start a container with less.
_LEAST_MEMORY = 6


def check(contract: Contract) -> Iterator[Problem]:
    """Breaches of the rules about images and node groups."""
    yield from _images(contract)
    yield from _names(contract)
    yield from _groups_without_queue(contract)
    yield from _slots(contract)
    yield from _limits(contract)


def _images(contract: Contract) -> Iterator[Problem]:
    known = contract.spec.images
    for name, group in contract.spec.node_groups.items():
        if known and group.image is not None and group.image not in known:
            yield from contract.unknown("image", group.image, known, "node_groups", name, "image")
        elif group.image == AGENT_IMAGE:
            yield contract.problem(
                "agent-image-for-tasks",
                f"the tasks of '{name}' would run in the agents' own image",
                *("node_groups", name, "image"),
                mend="name an image that holds the libraries of the step code, such as cpu",
            )
    if known and AGENT_IMAGE not in known and ("images",) not in contract.bad:
        yield contract.problem(
            "no-agent-image",
            f"no image named '{AGENT_IMAGE}'",
            "images",
            mend=f"add `{AGENT_IMAGE}: {{repository: fleet/agent}}`: the agents themselves run "
            "from it",
        )


def _names(contract: Contract) -> Iterator[Problem]:
    for name in contract.spec.node_groups:
        if name in _RESERVED:
            yield contract.problem(
                "reserved-group-name",
                f"a node group cannot be named '{name}': Ansible means something else by it",
                *("node_groups", name),
                mend="name it after its nodes, such as cpu_nodes, here and in the inventory",
            )


def _groups_without_queue(contract: Contract) -> Iterator[Problem]:
    if contract.is_unsure("queues", "node_group"):
        return
    known = contract.spec.node_groups
    named = {queue.node_group for queue in contract.spec.queues.values()}
    named |= contract.repeated_texts("queues")
    named |= {nearest(name, known) for name in named - {None, *known}}
    for name in known:
        if name not in named:
            yield contract.problem(
                "group-without-queue",
                f"no queue is mapped to the node group '{name}'",
                *("node_groups", name),
                mend="map a queue to it, or remove the group",
            )


def _slots(contract: Contract) -> Iterator[Problem]:
    for name, group in contract.spec.node_groups.items():
        keys = ("node_groups", name, "slots")
        if group.services and group.slots not in (None, 0, 1):
            yield contract.problem(
                "services-slots",
                f"the services group '{name}' has {group.slots} slots",
                *keys,
                mend="write `slots: 1`: one services agent runs many tasks at a time",
            )
        elif group.services and group.accelerator == "gpu":
            yield contract.problem(
                "services-with-gpu",
                f"the services group '{name}' offers a GPU, which many tasks would use at a time",
                *("node_groups", name, "accelerator"),
                mend="remove `accelerator: gpu`, or remove `services: true` and set `slots`",
            )
        if group.slots in (PER_GPU, PER_MIG) and group.accelerator == "cpu":
            each = "GPU" if group.slots == PER_GPU else "MIG instance"
            yield contract.problem(
                "gpu-slots-without-gpu",
                f"'{name}' has a slot for each {each} but offers no GPU",
                *keys,
                mend="add `accelerator: gpu`, or write a number of slots",
            )


def _limits(contract: Contract) -> Iterator[Problem]:
    for name, group in contract.spec.node_groups.items():
        memory, shared = _sizes(group.limits)
        if memory is not None and memory < _LEAST_MEMORY:
            yield contract.problem(
                "memory-too-small",
                f"Docker starts no container with {group.limits.memory} of memory",
                *("node_groups", name, "limits", "memory"),
                mend="write what a task needs, such as 16GiB",
            )
        if memory is not None and shared is not None and shared > memory:
            yield contract.problem(
                "shared-memory-above-memory",
                f"shared_memory ({group.limits.shared_memory}) is larger than memory "
                f"({group.limits.memory}), which it counts towards",
                *("node_groups", name, "limits", "shared_memory"),
                mend="raise `memory`, or write a `shared_memory` of at most half of it",
            )


def _sizes(limits: Limits) -> tuple[int | None, int | None]:
    """Memory and shared memory in MiB."""
    return _mebibytes(limits.memory), _mebibytes(limits.shared_memory)


def _mebibytes(size: str | None) -> int | None:
    return int(size[:-3]) * _UNITS[size[-3:]] if size else None
