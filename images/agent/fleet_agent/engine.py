"""What the agent asks Docker's engine about the containers of its tasks."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass

# An engine that is busy answers late; one that is away refuses at once.
SECONDS = 60
_GONE = ("no such object", "no such container")
# How a container ends that something outside of it ended: SIGKILL, SIGTERM, and what the engine
# writes down where it finds one dead after the node went down.
ENDED_BY_OTHERS = {-9, -15, 137, 143, 255}


class EngineAway(Exception):
    """Docker's engine does not answer; it may be starting again."""


@dataclass(frozen=True)
class ContainerState:
    """What the engine knows of a container.

    Parameters
    ----------
    status : str
        `created`, `running`, `exited`, …
    exit_code : int
        Of a container that is not running any more.
    out_of_memory : bool
        Whether it ended for want of memory.
    """

    status: str
    exit_code: int = 0
    out_of_memory: bool = False

    @property
    def is_alive(self) -> bool:
        """Whether its process is there."""
        return self.status in ("running", "paused", "restarting")

    @property
    def has_ended_itself(self) -> bool:
        """Whether what ended it was its own process, or its own use of memory."""
        return self.status in ("exited", "dead") and (
            self.out_of_memory or self.exit_code not in ENDED_BY_OTHERS
        )


def read_container(name: str) -> ContainerState | None:
    """The state of a container; None where there is none of that name.

    Raises
    ------
    EngineAway
        Nobody can say.
    """
    command = ["docker", "inspect", "--type", "container", "--format", "{{json .State}}", name]
    done = _run(command)
    if done.returncode != 0:
        if any(words in done.stderr.lower() for words in _GONE):
            return None
        raise EngineAway(done.stderr.strip())
    found = json.loads(done.stdout)
    return ContainerState(found["Status"], found["ExitCode"], bool(found["OOMKilled"]))


def remove_container(name: str) -> bool:
    """End and remove a container; whether there is none of that name now."""
    try:
        done = _run(["docker", "rm", "--force", "--volumes", name])
    except EngineAway:
        return False
    return done.returncode == 0 or any(words in done.stderr.lower() for words in _GONE)


def _run(command: list[str]) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as late:
        raise EngineAway(f"no answer within {SECONDS} s") from late
