"""What site.yml found out of the nodes' GPUs, where it keeps it on the control machine."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from fleet.paths import STATE


def found_folder(inventory_dir: str) -> Path:
    """The folder of the findings of one inventory, a file for each host.

    Parameters
    ----------
    inventory_dir : str
        Folder of the inventory's file.
    """
    digest = hashlib.sha256(os.path.realpath(inventory_dir).encode()).hexdigest()
    return STATE / "found" / digest[:16]


def found_gpus(inventory_dir: str, host: str) -> Any:
    """What was found on a host, as the variable `fleet_found`; None where nothing was yet."""
    try:
        return json.loads((found_folder(inventory_dir) / f"{host}.json").read_bytes())
    except (OSError, ValueError):
        return None
