"""How a task's container is started and awaited: what costs seconds in the stock agent's way."""

from __future__ import annotations

import hashlib
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

#: Where a task's container sees the quick start.
INSIDE = "/opt/fleet/fleet_task"
STOCK = "$LOCAL_PYTHON -u -m clearml_agent "
_SOURCE = Path(__file__).parents[1] / "fleet_task"


class QuickStart:
    """The folder `fleet_task`, on the node, for the containers of tasks.

    Parameters
    ----------
    host_mount : str
        `HOST:HERE`, a folder of the node and where this container has it; without one the stock
        agent starts the task.
    """

    def __init__(self, host_mount: str | None) -> None:
        host, _, here = (host_mount or "").partition(":")
        self._host = _put(Path(host), Path(here)) if here else None

    def words(self, command: Sequence[str]) -> list[str]:
        """The agent's `docker run`, with the quick start in place of `clearml_agent`.

        Parameters
        ----------
        command : sequence of str
            Ends in IMAGE, `bash`, `-c` and a script.
        """
        *options, image, shell, flag, script = command
        if self._host is None or STOCK not in script:
            return list(command)
        mount = f"--volume={self._host}:{INSIDE}:ro"
        quick = script.replace(STOCK, f"$LOCAL_PYTHON -u {INSIDE} ")
        return [*options, mount, image, shell, flag, quick]


class Waiting:
    """Sleeps as the agent's loop wants to, but no longer than the task's process lives."""

    def __init__(self) -> None:
        self._process: subprocess.Popen | None = None

    def watch(self, process: subprocess.Popen) -> None:
        """Wake at this process' end from now on."""
        self._process = process

    def sleep(self, seconds: float) -> None:
        """Sleep so many seconds, or until the process ends."""
        process = self._process
        if process is None or process.returncode is not None:
            time.sleep(seconds)
            return
        try:
            handle = os.pidfd_open(process.pid)
        except OSError:  # no such process, or an old kernel
            time.sleep(seconds)
            return
        try:
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            poll.poll(seconds * 1000)
        finally:
            os.close(handle)


def _put(host: Path, here: Path) -> Path:
    """Copy the quick start into the node's folder, under a name of its own for each content."""
    files = sorted(file for file in _SOURCE.rglob("*") if file.is_file() and file.suffix != ".pyc")
    content = hashlib.sha256()
    for file in files:
        content.update(f"{file.name}\n".encode() + file.read_bytes())
    part = Path("task-start", content.hexdigest()[:12])
    folder = here / part
    if not folder.is_dir():
        folder.parent.mkdir(exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent))
        shutil.copytree(_SOURCE, fresh / "fleet_task")
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        try:
            fresh.rename(folder)
        except OSError:  # another slot's agent was first
            shutil.rmtree(fresh)
    return host / part / "fleet_task"
