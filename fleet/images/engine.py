"""Docker on this machine: its client, the client that can build, and the images it has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass

from fleet.command import run
from fleet.errors import FleetError

# Every image made here bears it, so that what was made here can be found again, and removed.
OURS = "fleet.local.image=true"

_QUERY_SECONDS = 60
# Since this version the client leaves BuildKit to the buildx plugin.
_FIRST_WITHOUT_BUILDKIT = 23


@dataclass(frozen=True)
class Builder:
    """A client that builds with BuildKit: its command, and what it needs in the environment."""

    command: tuple[str, ...]
    env: dict[str, str]


def query(*args: str) -> str | None:
    """Output of a short docker command, or None where it fails.

    Raises
    ------
    FleetError
        There is no Docker here, or its daemon does not answer.
    """
    client = shutil.which("docker")
    if client is None:
        raise FleetError(
            "there is no docker command",
            mend="install Docker (Debian: apt-get install docker.io), or run `make up`",
        )
    done = _call(client, *args)
    if done.returncode == 0:
        return done.stdout
    if "daemon" in done.stderr and _call(client, "version").returncode != 0:
        raise FleetError(
            f"Docker does not answer: {done.stderr.strip()}",
            mend="start it (systemctl start docker), or run this as a user of its socket",
        )
    return None


def our_images() -> dict[str, str]:
    """Ids of the images made here, by `repository:tag`."""
    lines = query(
        "image", "ls", "--no-trunc", "--filter", f"label={OURS}",
        "--format", "{{.Repository}}:{{.Tag}} {{.ID}}",
    )  # fmt: skip
    return dict(line.split() for line in (lines or "").splitlines())


def inspect(reference: str) -> dict | None:
    """What the engine knows of an image, or None when it does not have it."""
    text = query("image", "inspect", reference)
    return json.loads(text)[0] if text else None


def find_builder() -> Builder:
    """The first client here that can build with BuildKit.

    The recipes mount secrets and folders into single steps, which only BuildKit does. A
    client of version 23 or later does it with the buildx plugin, an earlier one by itself.
    """
    tried = []
    for client in _clients():
        if _call(client, "buildx", "version").returncode == 0:
            return Builder((client, "buildx", "build", "--load"), {})
        version = _call(client, "version", "--format", "{{.Client.Version}}").stdout.strip()
        major = version.partition(".")[0]
        if major.isdigit() and int(major) < _FIRST_WITHOUT_BUILDKIT:
            return Builder((client, "build"), {"DOCKER_BUILDKIT": "1"})
        tried.append(f"{client} ({version or 'no version'}, without buildx)")
    raise FleetError(
        f"no docker command here can build with BuildKit: {', '.join(tried) or 'there is none'}",
        mend="install the buildx plugin (Debian 13: docker-buildx) or Debian 12's docker.io",
    )


def _clients() -> list[str]:
    folders = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/bin", "/usr/local/bin"]
    found = (shutil.which("docker", path=folder) for folder in folders if folder)
    return list(dict.fromkeys(client for client in found if client))


def _call(client: str, *args: str) -> subprocess.CompletedProcess[str]:
    mend = "see whether its daemon is well: docker info"
    return run((client, *args), timeout=_QUERY_SECONDS, check=False, mend=mend)
