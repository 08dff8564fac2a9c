"""The Docker Engine, by its command line: the few questions and orders that a local fleet has."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet.command import run
from fleet.local.layout import HOME_LABEL, LABEL, Layout

_SPEC_LABEL = "fleet.local.spec"


@dataclass(frozen=True)
class Container:
    """A container that should run.

    Parameters
    ----------
    what : str
        The node or service that it is; names the container.
    role : str
        `node`, `registry` or `git`.
    image : str
        The image's id, so that a rebuilt image makes another container.
    options : tuple of str
        Arguments of `docker run`.
    command : tuple of str
        What it runs.
    volumes : tuple of str
        Names of the volumes that are made for it.
    keeps_volumes : bool
        Whether they outlive the container when it is replaced.
    """

    what: str
    role: str
    image: str
    options: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    keeps_volumes: bool = True

    def arguments(self, layout: Layout) -> list[str]:
        """Arguments of `docker run` for this container in a fleet."""
        wanted = [*self.options, self.image, *self.command]
        spec = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:16]
        return [
            "--detach",
            f"--name={layout.container(self.what)}",
            *layout.labels(self.role),
            f"--label={_SPEC_LABEL}={spec}",
            *wanted,
        ]


def docker(
    *arguments: str, timeout: float = 60, check: bool = True, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the Docker client."""
    return run(["docker", *arguments], timeout=timeout, check=check, stdin=stdin)


def info() -> dict[str, Any] | None:
    """What the engine says of itself, or None when none answers."""
    done = run(
        ["docker", "info", "--format", "{{json .}}"], timeout=30, check=False, mend="install Docker"
    )
    try:
        answer = json.loads(done.stdout)
    except json.JSONDecodeError:
        return None
    # A client without an engine describes itself and lists the engine's error.
    return answer if answer.get("ServerVersion") else None


def inspect(kind: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """Describe the containers, networks, volumes or images of these names that exist."""
    if not names:
        return []
    done = docker(kind, "inspect", *names, check=False)
    return json.loads(done.stdout or "[]")


def listed(kind: str, *filters: str) -> list[str]:
    """Names of the containers, networks or volumes that have all of these labels."""
    flags = [f"--filter=label={condition}" for condition in filters]
    column = "{{.Names}}" if kind == "container" else "{{.Name}}"
    everything = ["--all"] if kind == "container" else []
    done = docker(kind, "ls", *everything, "--format", column, *flags)
    return sorted(done.stdout.split())


def owned(kind: str, layout: Layout) -> list[str]:
    """Names of this fleet's containers, networks or volumes."""
    return listed(kind, f"{LABEL}={layout.name}")


def living_homes(layout: Layout) -> set[str]:
    """State directories, still there, of what bears this fleet's name: another checkout's too."""
    found = set()
    for kind in ("network", "container"):
        for thing in inspect(kind, owned(kind, layout)):
            labels = thing.get("Labels") or thing.get("Config", {}).get("Labels") or {}
            found.add(labels.get(HOME_LABEL, ""))
    return {home for home in found if home and _is_there(Path(home))}


def ensure_running(
    container: Container,
    layout: Layout,
    before_removal: Callable[[Sequence[str]], None] | None = None,
) -> str:
    """Have a container run: create it, start it, or leave it alone.

    Parameters
    ----------
    container : Container
        What should run. When what runs under its name was made otherwise, it is replaced.
    layout : Layout
        The fleet that it belongs to.
    before_removal : callable, optional
        Is given the name of a container that is about to be replaced.

    Returns
    -------
    str
        `created`, `replaced`, `started` or `kept`.
    """
    name = layout.container(container.what)
    arguments = container.arguments(layout)
    there = inspect("container", [name])
    labels = there[0]["Config"]["Labels"] or {} if there else {}
    if there and f"--label={_SPEC_LABEL}={labels.get(_SPEC_LABEL)}" in arguments:
        if there[0]["State"]["Running"]:
            return "kept"
        docker("start", name)
        return "started"
    if there:
        if before_removal:
            before_removal([name])
        remove_containers([name])
        if container.volumes and not container.keeps_volumes:
            docker("volume", "rm", "--force", *container.volumes)
    for volume in container.volumes:
        docker("volume", "create", *layout.labels(container.role), volume)
    docker("run", *arguments, timeout=120)
    return "replaced" if there else "created"


def execute(container: str, *command: str, stdin: str | None = None, timeout: float = 60) -> str:
    """Run a command inside a container and return what it wrote."""
    flags = ["--interactive"] if stdin is not None else []
    return docker("exec", *flags, container, *command, stdin=stdin, timeout=timeout).stdout


def remove_containers(names: Sequence[str]) -> None:
    """Stop and remove containers, and the unnamed volumes that only they use."""
    if names:
        docker("rm", "--force", "--volumes", *names, timeout=180)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        # In a directory of another user, which only that user removes.
        return True
