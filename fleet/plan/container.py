"""What a slot's plan means for containers: arguments of `docker run`, and tags of the worker."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from fleet.plan.model import NodePlan, Slot
from fleet.spec import Limits, Mount, ObjectStore

#: The kinds of tags that a fleet's agents bear on the server.
IMAGE, AGENT, GROUP, DEVICES, SETTINGS = "image", "agent", "group", "devices", "settings"
QUEUES = "queues"
#: What an agent that takes no tasks says: that it does, whether its slot's next agent is there
#: already, and who drained its node, since when and why.
STATE, SUCCESSOR = "state", "successor"
DRAINED_BY, DRAINED_SINCE, DRAINED_WHY = "drained-by", "drained-since", "drained-why"


def task_arguments(slot: Slot) -> list[str]:
    """Arguments of `docker run` for each task of a slot: its limits, its mounts and its user.

    A folder that a node does not have is an error of the task, not an empty folder: that is why
    mounts are given by `--mount` and not by `-v`.
    """
    limits = slot.limits
    arguments = []
    if limits.cpus is not None:
        arguments.append(f"--cpus={limits.cpus:g}")
    if limits.memory is not None:
        # The same as the limit of memory and swap together: a task does not swap.
        size = _docker_size(limits.memory)
        arguments += [f"--memory={size}", f"--memory-swap={size}"]
    if limits.shared_memory is not None:
        arguments.append(f"--shm-size={_docker_size(limits.shared_memory)}")
    for mount in slot.mounts:
        access = "" if mount.writable else ",readonly"
        arguments.append(
            f"--mount=type=bind,source={mount.source},target={mount.destination}{access}"
        )
    if slot.task_user:
        # The image knows no such user: Docker gives it no home, and Python no name.
        arguments += [
            f"--user={slot.task_user}",
            "--env=HOME=/tmp",
            "--env=USER=task",
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
        ]
    return arguments


def worker_tags(plan: NodePlan, slot: Slot) -> dict[str, str]:
    """What a slot's worker says of itself on the server, so that a difference can be seen there.

    Returns
    -------
    dict of str to str
        Kind → value; on the server each is a tag `kind:value`.
    """
    return {
        IMAGE: slot.image.partition("@")[2],
        AGENT: plan.agent_image.partition("@")[2],
        GROUP: slot.group,
        DEVICES: ",".join(slot.devices) or "none",
        SETTINGS: _settings_of(slot)[1],
        # A server need not give the queues of a worker in the order that it polls them in.
        QUEUES: ",".join(slot.queues),
    }


def order_of_queues(tags: Iterable[str]) -> tuple[str, ...]:
    """The queues that a worker's tags name, in the order that it polls them in; empty without."""
    prefix = f"{QUEUES}:"
    said = next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), "")
    return tuple(said.split(",")) if said else ()


def as_data(plan: NodePlan) -> dict[str, Any]:
    """A node's plan as plain data: for Ansible, and for JSON."""
    return {
        "node": plan.node,
        "agent_image": plan.agent_image,
        "gpus": plan.gpus,
        "mig": {str(gpu): list(profiles) for gpu, profiles in plan.mig.items()},
        "disabled": plan.disabled,
        "unknown_gpus": list(plan.unknown_gpus),
        "slots": [_slot_data(plan, slot) for slot in plan.slots],
    }


def _slot_data(plan: NodePlan, slot: Slot) -> dict[str, Any]:
    return {
        "name": slot.name,
        "worker_id": slot.worker_id,
        "group": slot.group,
        "queues": list(slot.queues),
        "image_name": slot.image_name,
        "image": slot.image,
        "devices": list(slot.devices),
        "services": slot.services,
        "labels": dict(slot.labels),
        "worker_tags": [f"{kind}:{value}" for kind, value in worker_tags(plan, slot).items()],
        "task_arguments": task_arguments(slot),
        **_settings_of(slot)[0],
    }


def _settings_of(slot: Slot) -> tuple[dict[str, Any], str]:
    return _settings(slot.limits, slot.mounts, slot.object_stores, slot.task_user)


# Few are different in a fleet, however many slots it has.
@functools.lru_cache(maxsize=256)
def _settings(
    limits: Limits,
    mounts: tuple[Mount, ...],
    object_stores: tuple[ObjectStore, ...],
    task_user: str,
) -> tuple[dict[str, Any], str]:
    """The settings of a slot as plain data, and a short hash of them."""
    data = {
        "limits": limits.model_dump(exclude_none=True),
        "mounts": [
            {"source": mount.source, "target": mount.destination, "writable": mount.writable}
            for mount in mounts
        ],
        "object_stores": [
            store.model_dump(exclude_none=True, exclude={"description"}) for store in object_stores
        ],
        "task_user": task_user,
    }
    text = json.dumps(data, sort_keys=True)
    return data, hashlib.sha256(text.encode()).hexdigest()[:12]


def _docker_size(size: str) -> str:
    """`16GiB` as Docker writes it: `16g`, of 1024 MiB each."""
    return size.removesuffix("iB").lower()
