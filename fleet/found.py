"""What `site.yml` found out of the nodes' GPUs, kept on the control machine for `fleet`."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from fleet.paths import STATE

_ID_LENGTH = 16


def found_file(inventory_dir: Path | str, host: str, *, state: Path = STATE) -> Path:
    """Where what was found of a host of an inventory is kept.

    Parameters
    ----------
    inventory_dir : path
        The folder of the inventory file that names the host.
    host : str
        Its name in the inventory.
    state : Path
        Directory with the state of this checkout.
    """
    identity = hashlib.sha256(os.path.realpath(inventory_dir).encode()).hexdigest()[:_ID_LENGTH]
    return state / "found" / identity / f"{host}.json"


def read_found(
    inventory_dir: Path | str, host: str, *, state: Path = STATE
) -> dict[str, Any] | None:
    """What was found of a host, `{"gpus": 8, "mig": {"0": ["3g.40gb"]}}`; None where it was not.

    A file that cannot be read counts as none: `site.yml` asks the node again.
    """
    try:
        found = json.loads(found_file(inventory_dir, host, state=state).read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_found(
    inventory_dir: Path | str,
    hosts: Mapping[str, Mapping[str, Any]],
    *,
    state: Path = STATE,
    dry_run: bool = False,
) -> list[str]:
    """Keep what was found of hosts; the names of those of whom it was not known.

    Parameters
    ----------
    inventory_dir : path
        The folder of the inventory file that names the hosts.
    hosts : mapping of str to mapping
        Host → what was found.
    state : Path
        Directory with the state of this checkout.
    dry_run : bool
        Whether to look only.

    Raises
    ------
    OSError
        A file cannot be written.
    """
    changed = []
    for host, found in hosts.items():
        if read_found(inventory_dir, host, state=state) == found:
            continue
        changed.append(host)
        if not dry_run:
            _write(found_file(inventory_dir, host, state=state), json.dumps(found) + "\n")
    return changed


def forget_found(inventory_dir: Path | str, *, state: Path = STATE) -> bool:
    """Forget what was found of all hosts of an inventory; whether anything was known.

    Parameters
    ----------
    inventory_dir : path
        The folder of the inventory file that names the hosts.
    state : Path
        Directory with the state of this checkout.
    """
    folder = found_file(inventory_dir, "any", state=state).parent
    there = folder.is_dir()
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # other inventories have something there, or nobody ever had
        folder.parent.rmdir()
    return there


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text)
        draft.replace(path)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
