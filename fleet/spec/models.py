"""The typed model of queues.yml. No I/O here; rules that span entries are in :mod:`rules`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

VERSION = 1

# ClearML refuses shorter queue names ("String value is too short").
QueueName = Annotated[str, Field(min_length=3, pattern=r"^[a-z0-9][a-z0-9-]*$")]
GroupName = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Image(_Entry):
    """A container image that the fleet runs."""

    repository: str = Field(
        pattern=r"^[a-z0-9]+([._/-][a-z0-9]+)*$",
        description="Repository in the registry, without host, tag or digest",
    )
    digest: str | None = Field(
        default=None,
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="Pins this digest; without it, the one in images/digests.yml holds",
    )
    description: str = Field(default="", description="What the image is for")


class NodeGroup(_Entry):
    """An inventory group of nodes that are alike."""

    image: str = Field(description="Image of the tasks that the group's slots run")
    slots: Annotated[int, Field(ge=0, le=512, strict=True)] | Literal["per_gpu"] = Field(
        default=1, description="Agents on each node: a number, or per_gpu"
    )
    accelerator: Literal["cpu", "gpu"] = Field(
        default="cpu", description="What the group offers to a step that asks for one"
    )
    services: bool = Field(
        default=False, description="One agent that runs many light tasks at a time"
    )
    description: str = Field(default="", description="What the group is for")


class Queue(_Entry):
    """A ClearML queue and the work that belongs on it."""

    node_group: str = Field(description="The group whose slots serve the queue")
    priority: int = Field(
        ge=1, le=1000, strict=True, description="Order within the group; 1 is served first"
    )
    phases: list[str] = Field(min_length=1, description="Phases that may run on the queue")
    description: str = Field(default="", description="What the queue is for")


class Policy(_Entry):
    """Decisions that the team has made."""

    queue_choice: Literal["fixed", "phase", "free"] = Field(
        default="phase", description="Who decides which queue a task goes to"
    )


class Spec(_Entry):
    """The whole of queues.yml."""

    version: Literal[1] = Field(description="Version of this file's format")
    images: dict[str, Image] = Field(min_length=1, description="Images by name")
    node_groups: dict[GroupName, NodeGroup] = Field(min_length=1, description="Groups by name")
    queues: dict[QueueName, Queue] = Field(min_length=1, description="Queues by name")
    policy: Policy = Field(default_factory=Policy, description="Decisions of the team")

    def queues_of_group(self, group: str) -> list[str]:
        """Names of the group's queues, the first to be served first."""
        names = [name for name, queue in self.queues.items() if queue.node_group == group]
        return sorted(names, key=lambda name: self.queues[name].priority)

    def queues_of_phase(self, phase: str) -> list[str]:
        """Names of the queues that a phase may use, in the order of the file."""
        return [name for name, queue in self.queues.items() if phase in queue.phases]

    def group_of_queue(self, queue: str) -> NodeGroup:
        """The node group that serves a queue."""
        return self.node_groups[self.queues[queue].node_group]
