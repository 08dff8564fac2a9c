"""The names of a local fleet: its state directory, containers, network, volumes and labels."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet.errors import FleetError
from fleet.paths import STATE

LABEL = "fleet.local"
HOME_LABEL = "fleet.local.home"
ROLE_LABEL = "fleet.local.role"

REGISTRY = "registry"
GIT = "git"
#: Names that a node may not have: the local fleet's own services bear them.
RESERVED = (REGISTRY, GIT)

API_PORT = 8008
FILES_PORT = 8081
REGISTRY_PORT = 5000

#: Directories and locks beside the fleets' own, so that no fleet may bear their names.
SHARED = ("build", "engine", "found", "images", "logs")

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


@dataclass(frozen=True)
class Layout:
    """Where one local fleet keeps its things, and what they are called.

    Parameters
    ----------
    name : str
        Name of the fleet; several may live side by side on one machine.
    state_root : Path
        Directory with the state of all local fleets of this checkout.
    """

    name: str
    state_root: Path = STATE

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in SHARED:
            raise FleetError(
                f"{self.name!r} cannot be the name of a local fleet",
                where="--name or FLEET_LOCAL_NAME",
                mend="use up to 31 lower-case letters, digits and hyphens, a letter first; "
                f"not {', '.join(SHARED)}",
            )

    @property
    def state(self) -> Path:
        """State directory of this fleet."""
        return self.state_root / self.name

    @property
    def engine(self) -> Path:
        """What is remembered of a Docker Engine that was started for local fleets."""
        return self.state_root / "engine"

    @property
    def lock(self) -> Path:
        """What `up` and `down` hold while they change this fleet."""
        return self.state_root / f"{self.name}.lock"

    @property
    def engine_lock(self) -> Path:
        """What is held while the Docker Engine is installed, started or stopped."""
        return self.state_root / "engine.lock"

    @property
    def images_lock(self) -> Path:
        """What is held while images are built or removed."""
        return self.state_root / "images.lock"

    @property
    def record(self) -> Path:
        """The file that tells the rest of the tooling this fleet's addresses."""
        return self.state / "fleet.json"

    @property
    def digests(self) -> Path:
        """Digests of the images that were pushed to this fleet's registry."""
        return self.state / "digests.yml"

    @property
    def server(self) -> Path:
        """Data directory of the embedded server."""
        return self.state / "server"

    @property
    def git(self) -> Path:
        """The bare repository that agents clone."""
        return self.state / "git" / "fleet.git"

    @property
    def logs(self) -> Path:
        """Logs of the playbook."""
        return self.state / "logs"

    @property
    def ssh_config(self) -> Path:
        """Configuration for `ssh -F`, by which nodes are reached by name."""
        return self.state / "ssh_config"

    @property
    def ssh_key(self) -> Path:
        """Private key that opens this fleet's nodes."""
        return self.state / "ssh_key"

    @property
    def known_hosts(self) -> Path:
        """Host keys of this fleet's nodes."""
        return self.state / "known_hosts"

    @property
    def network(self) -> str:
        """Name of the Docker network."""
        return f"fleet-{self.name}"

    def container(self, what: str) -> str:
        """Name of the container of a node or service."""
        return f"fleet-{self.name}-{what}"

    def volume(self, what: str) -> str:
        """Name of the volume of a node or service."""
        return f"fleet-{self.name}-{what}"

    def labels(self, role: str) -> list[str]:
        """Arguments that label a container, network or volume as this fleet's."""
        return [
            f"--label={LABEL}={self.name}",
            f"--label={HOME_LABEL}={self.state}",
            f"--label={ROLE_LABEL}={role}",
        ]

    def read_record(self) -> dict[str, Any] | None:
        """What `fleet.json` says, or None before the fleet was first up.

        Raises
        ------
        FleetError
            It is another user's.
        """
        try:
            return json.loads(self.record.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        except PermissionError as error:
            raise of_another_user(self.record) from error


def of_another_user(path: Path) -> FleetError:
    """The error for a file of a fleet that this user may not touch."""
    return FleetError(
        "the local fleets of this checkout belong to another user",
        where=str(path),
        mend="do this as that user, or use a checkout of your own",
    )


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
    draft.replace(path)
