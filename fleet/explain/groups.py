"""What a node group gives to its tasks, in words: slots, limits, data."""

from __future__ import annotations

from fleet.explain.answer import counted, listed
from fleet.spec import DataAccess, Limits, NodeGroup
from fleet.spec.models import PER_GPU, PER_MIG

_SLOTS = {PER_GPU: "one per GPU", PER_MIG: "one per MIG instance"}


def slots_in_words(group: NodeGroup) -> str:
    """How many slots a node of the group has."""
    if group.services:
        return "1, many tasks at a time"
    return _SLOTS.get(str(group.slots), str(group.slots))


def agents_in_words(group: NodeGroup) -> str:
    """How many agents each node of the group runs, and what each owns."""
    if group.services:
        return "one agent that runs many light tasks at a time"
    if group.slots == PER_GPU:
        return "one agent for each GPU, which owns it alone"
    if group.slots == PER_MIG:
        return "one agent for each MIG instance, which owns it alone"
    each = ", each with one task at a time" if group.slots != 1 else ", with one task at a time"
    return f"{counted(int(group.slots), 'agent')}{each}"


def limits_in_words(limits: Limits) -> str:
    """What one task may use; `-` where nothing is limited."""
    parts = []
    if limits.cpus is not None:
        parts.append(_cores(limits.cpus))
    if limits.memory is not None:
        parts.append(f"{limits.memory} of memory")
    if limits.shared_memory is not None:
        parts.append(f"{limits.shared_memory} of shared memory")
    return listed(parts) or "-"


def _cores(cpus: float) -> str:
    """`1 CPU core`, `0.5 CPU cores`."""
    return f"{cpus:g} CPU core{'' if cpus == 1 else 's'}"


def data_in_words(data: DataAccess) -> str:
    """Where tasks can read and write data; `-` where nothing is declared."""
    parts = [
        f"{mount.destination} ({'writable' if mount.writable else 'read-only'})"
        for mount in data.mounts
    ]
    parts += [store.url for store in data.object_stores]
    return listed(parts) or "-"
