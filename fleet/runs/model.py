"""A run and its steps, as they are shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

FINAL = frozenset({"completed", "failed", "stopped", "published", "closed"})
SUCCESS = frozenset({"completed", "published", "closed"})


@dataclass(frozen=True)
class Step:
    """One task of a run.

    Attributes
    ----------
    name, phase : str
        The task's name, and the kind of step it is.
    queue, node, worker : str or None
        Where it was sent, and where it ran; None for what is not known yet.
    image : str or None
        Reference of its container image, by digest.
    commit : str or None
        Commit of its step code.
    task_id, status : str
        As in ClearML.
    started, completed : str or None
        ISO 8601.
    failure : str or None
        One line: why it failed.
    result : str or None
        A few words: what came of it.
    """

    name: str
    phase: str
    queue: str | None
    node: str | None
    worker: str | None
    image: str | None
    commit: str | None
    task_id: str
    started: str | None
    completed: str | None
    status: str
    failure: str | None = None
    result: str | None = None

    def short_name(self, run_id: str) -> str:
        """The name without the run's id, for places that show the run already."""
        return self.name.replace(run_id, "").strip()


@dataclass(frozen=True)
class Run:
    """Everything that one run_id ties together.

    `status` is the controller's for a pipeline run; for work that was started phase by phase,
    the status of its last task. `training_summary` and `inference_summary` are task ids.
    """

    run_id: str
    status: str
    created: str
    training_summary: str | None = None
    inference_summary: str | None = None
    steps: tuple[Step, ...] = field(default_factory=tuple)

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in FINAL

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.status in SUCCESS

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return asdict(self)
