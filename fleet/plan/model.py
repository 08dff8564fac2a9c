"""What the plan takes and gives: nodes, and their slots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fleet.spec import Limits, Mount, ObjectStore


@dataclass(frozen=True, slots=True)
class Override:
    """What a node has otherwise than its group says; None where it does as the group does.

    `gpus` is how many of the node's whole GPUs are for the group, by default all that are left.
    Of `limits`, those that are set go before the group's.
    """

    slots: int | None = None
    gpus: int | None = None
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the inventory.

    Attributes
    ----------
    name : str
        Its name in the inventory.
    groups : tuple of str
        The inventory groups that it is in.
    gpus : int or None
        Number of its GPUs; None where neither the inventory nor a visit of `site.yml` said it.
    mig : mapping of int to tuple of str
        GPU → profiles of its MIG instances, in order. A GPU that is not named is whole.
    slots : int or None
        Overrides the number of slots that its groups say.
    overrides : mapping of str to Override
        Group → what is otherwise here; goes before `slots`.
    disabled : str
        Why the node has no slots for now; empty where it is in use.
    registry : str
        `host[:port]` that it pulls from; empty where it is the fleet's.
    """

    name: str
    groups: tuple[str, ...]
    gpus: int | None = None
    mig: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    slots: int | None = None
    overrides: Mapping[str, Override] = field(default_factory=dict)
    disabled: str = ""
    registry: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """One agent on one node.

    Attributes
    ----------
    name : str
        Name of its service in the node's Compose project.
    worker_id : str
        Name of its worker in ClearML.
    group : str
        The node group that it belongs to.
    queues : tuple of str
        The queues it takes from, in order.
    image_name, image : str
        The task image: its name in queues.yml, and its reference by digest.
    devices : tuple of str
        What it owns alone: a GPU by its index, `0`, or a MIG instance, `0:1` (GPU:instance).
    services : bool
        Whether it runs many tasks at a time.
    limits : Limits
        What each of its tasks may use.
    mounts : tuple of Mount
        Folders of the node that its tasks see.
    object_stores : tuple of ObjectStore
        Buckets that its tasks may use.
    task_user : str
        `UID:GID` that its tasks run as; empty where they run as root of their containers.
    labels : mapping of str to str
        Labels of its container, by which monitoring and operators find it.
    """

    name: str
    worker_id: str
    group: str
    queues: tuple[str, ...]
    image_name: str
    image: str
    devices: tuple[str, ...] = ()
    services: bool = False
    limits: Limits = field(default_factory=Limits)
    mounts: tuple[Mount, ...] = ()
    object_stores: tuple[ObjectStore, ...] = ()
    task_user: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NodePlan:
    """The slots of one node.

    Attributes
    ----------
    node : str
        Name of the node.
    agent_image : str
        What its agents run from.
    slots : tuple of Slot
        In the order of the contract's groups.
    gpus : int
        How many GPUs its driver must list, for the slots to have their devices.
    mig : mapping of int to tuple of str
        The MIG layout that the slots count on.
    disabled : str
        Why it has no slots; empty where it is in use.
    unknown_gpus : tuple of str
        Groups whose slots are not known before `site.yml` has asked the node for its GPUs.
    """

    node: str
    agent_image: str
    slots: tuple[Slot, ...]
    gpus: int = 0
    mig: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    disabled: str = ""
    unknown_gpus: tuple[str, ...] = ()
