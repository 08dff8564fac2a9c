"""The typed model of queues.yml. No I/O here; rules that span entries are in :mod:`rules`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

VERSION = 1

# ClearML refuses shorter queue names ("String value is too short").
QueueName = Annotated[str, Field(min_length=3, pattern=r"^[a-z0-9][a-z0-9-]*$")]
GroupName = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")]
ImageName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
# A user or a group of `policy.access`. Names of ClearML users are free text.
Who = Annotated[str, Field(min_length=1, pattern=r"^\S(.*\S)?$", examples=["ada"])]
AbsolutePath = Annotated[str, Field(pattern=r"^/[^:,\s]*$", examples=["/data/tables"])]
Size = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}(MiB|GiB|TiB)$", examples=["16GiB"])]
# Docker's own bounds; root is nobody's choice here: without a user, tasks are root.
_Id = "[1-9][0-9]{0,8}"
User = Annotated[str, Field(pattern=rf"^{_Id}:{_Id}$", examples=["1000:1000"])]
Pattern = Annotated[str, Field(min_length=1, pattern=r"^\S+$", examples=["team-b-*"])]

PER_GPU = "per_gpu"
PER_MIG = "per_mig"
#: The image that the agents themselves run from.
AGENT_IMAGE = "agent"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Image(_Entry):
    """A container image that the fleet runs."""

    repository: str = Field(
        pattern=r"^[a-z0-9]+([._/-][a-z0-9]+)*$",
        examples=["fleet/cpu"],
        description="Repository in the registry, without host, tag or digest",
    )
    digest: str | None = Field(
        default=None,
        pattern=r"^sha256:[0-9a-f]{64}$",
        examples=["sha256:" + 16 * "0a1b"],
        description="Pins this digest; without it, the one in images/digests.yml holds",
    )
    description: str = Field(default="", description="What the image is for")


class Limits(_Entry):
    """What one task's container may use; what is left out is not limited."""

    # Docker refuses less.
    cpus: Annotated[float, Field(ge=0.01, le=4096, strict=True)] | None = Field(
        default=None, description="CPU cores, such as 4 or 0.5"
    )
    memory: Size | None = Field(
        default=None,
        description="Memory, such as 16GiB; a task that wants more is killed, and is told so",
    )
    shared_memory: Size | None = Field(
        default=None,
        description="Size of /dev/shm, such as 8GiB; data loaders of PyTorch use it",
    )


class Mount(_Entry):
    """A folder of the node that the group's tasks see."""

    source: AbsolutePath = Field(description="Absolute path on the node; it must exist there")
    target: AbsolutePath | None = Field(
        default=None, description="Absolute path in the task's container; by default the source's"
    )
    writable: bool = Field(
        default=False, strict=True, description="Whether tasks may write there; read-only if not"
    )
    description: str = Field(default="", description="What is in the folder")

    @property
    def destination(self) -> str:
        """The path in the task's container."""
        return self.target or self.source


class ObjectStore(_Entry):
    """A bucket of S3, or of a store that speaks S3's protocol, that the group's tasks may use."""

    url: str = Field(
        pattern=r"^s3://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._-]+)?$",
        examples=["s3://team-data", "s3://minio.example.org:9000/data"],
        description="s3://BUCKET at AWS, s3://HOST:PORT/BUCKET elsewhere",
    )
    credentials: str = Field(
        pattern=r"^vault_[a-z0-9_]+$",
        examples=["vault_s3_team_data"],
        description="Inventory variable, kept in Ansible Vault, that holds `key` and `secret`",
    )
    region: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9-]+$",
        examples=["eu-central-1"],
        description="Region at AWS, such as eu-central-1",
    )
    secure: bool = Field(
        default=True, strict=True, description="Whether a store of your own is asked by HTTPS"
    )
    description: str = Field(default="", description="What is in the bucket")


class DataAccess(_Entry):
    """Where the tasks of a group can read data, and write it where that is said."""

    mounts: list[Mount] = Field(default=[], description="Folders of the node")
    object_stores: list[ObjectStore] = Field(
        default=[], description="Buckets, with the vault's variables that hold their credentials"
    )


class NodeGroup(_Entry):
    """An inventory group of nodes that are alike."""

    image: str = Field(description="Image of the tasks that the group's slots run")
    slots: (
        Annotated[int, Field(ge=0, le=512, strict=True)] | Literal["per_gpu"] | Literal["per_mig"]
    ) = Field(
        default=1,
        description="Agents on each node: a number, per_gpu (each owns one whole GPU), or per_mig "
        "(each owns one MIG instance)",
    )
    accelerator: Literal["cpu", "gpu"] = Field(
        default="cpu", description="What the group offers to a step that asks for one"
    )
    services: bool = Field(
        default=False,
        strict=True,
        description="One agent that runs many light tasks at a time",
    )
    limits: Limits = Field(
        default_factory=Limits, description="What each task of the group may use of a node"
    )
    data: DataAccess = Field(
        default_factory=DataAccess, description="Where the group's tasks can read data"
    )
    task_user: User | None = Field(
        default=None,
        description="User and group that the tasks run as, by their numbers, such as 1000:1000; "
        "without it, as root of their containers",
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
    owner: str = Field(default="", description="Team or person to ask about the queue")


class Access(_Entry):
    """Who may start what. What is not named here, everybody may start."""

    groups: dict[Who, list[Who]] = Field(
        default={}, description="Groups of people: name → names of ClearML users"
    )
    may_run: dict[str, list[Who]] = Field(
        default={},
        description="Template → the users and groups who may start it; others may not",
    )


class Policy(_Entry):
    """Decisions that the team has made."""

    queue_choice: Literal["fixed", "phase", "free"] = Field(
        default="phase",
        description="Who decides which queue a task goes to: `fixed` the operator, `phase` the "
        "phase's own list of queues, `free` whoever starts it",
    )
    entry: Literal["pipeline", "phase", "both"] = Field(
        default="pipeline",
        description="Which templates people may start: the `pipeline` with the predictions made "
        "from its runs, every single `phase`, or `both`",
    )
    access: Access = Field(
        default_factory=Access, description="Who may start what, by user and group"
    )
    environment: Literal["strict", "extended"] = Field(
        default="strict",
        description="`strict`: the image's locked packages and nothing else; `extended`: a phase "
        "may add pinned packages, which its template records",
    )
    differences: Literal["refuse", "mark"] = Field(
        default="refuse",
        description="What becomes of a task whose code, packages, set-up script or routing are not "
        "its template's: it is refused, or it runs and bears a mark; another image is only marked",
    )


class Unmanaged(_Entry):
    """What is on the server and is not the fleet's; `fleet plan` says nothing about it."""

    queues: list[Pattern] = Field(
        default=[], description="Names of queues, or patterns such as team-b-*"
    )
    workers: list[Pattern] = Field(
        default=[], description="Ids of workers, or patterns such as laptop-*"
    )


class Spec(_Entry):
    """The whole of queues.yml."""

    version: Literal[1] = Field(description="Version of this file's format")
    images: dict[ImageName, Image] = Field(min_length=1, description="Images by name")
    node_groups: dict[GroupName, NodeGroup] = Field(min_length=1, description="Groups by name")
    queues: dict[QueueName, Queue] = Field(min_length=1, description="Queues by name")
    policy: Policy = Field(default_factory=Policy, description="Decisions of the team")
    unmanaged: Unmanaged = Field(
        default_factory=Unmanaged, description="What of the server is none of the fleet's"
    )

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
