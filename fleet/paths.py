"""Where things are in a checkout."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
STATE = REPOSITORY / ".fleet"


def local_fleet_name() -> str:
    """Name of the local fleet that a command means when it is not told one."""
    return os.environ.get("FLEET_LOCAL_NAME", "local")


def local_fleet_dir(name: str | None = None) -> Path:
    """State directory of a local fleet."""
    return STATE / (name or local_fleet_name())
