"""What an agent's environment says of the node: the names that the role clearml_agent gives."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Where an agent keeps things, and how long it waits.

    Parameters
    ----------
    state : Path
        A folder of the container, for its health check and for `fleet-agent`.
    keep : Path or None
        A folder of the node, the same for all agents of the slot, before and after an upgrade.
    wishes : Path or None
        A folder of the node, the same for all its agents.
    drain_seconds : float
        How long a task may take to its end after SIGTERM; 0 for as long as it likes.
    tags : tuple of str
        The worker's.
    task_user : str
        `UID:GID` that tasks run as; empty where they run as root.
    """

    state: Path
    keep: Path | None
    wishes: Path | None
    drain_seconds: float
    tags: tuple[str, ...]
    task_user: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read CLEARML_WORKER_TAGS, and of FLEET_AGENT_… what is named as a field is here."""
        keep, wishes = (environment.get(f"FLEET_AGENT_{name}") for name in ("KEEP", "WISHES"))
        return cls(
            state=Path(environment.get("FLEET_AGENT_STATE") or "/run/fleet-agent"),
            keep=Path(keep) if keep else None,
            wishes=Path(wishes) if wishes else None,
            drain_seconds=float(environment.get("FLEET_AGENT_DRAIN_SECONDS") or 0),
            tags=tuple(shlex.split(environment.get("CLEARML_WORKER_TAGS") or "")),
            task_user=environment.get("FLEET_AGENT_TASK_USER") or "",
        )
