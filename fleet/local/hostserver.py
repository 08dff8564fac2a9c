"""The embedded server of a local fleet: a process of this machine, bound to the gateway address."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from pathlib import Path

import requests

from fleet.command import own_program, tail
from fleet.errors import FleetError
from fleet.local.layout import API_PORT, FILES_PORT, Layout, of_another_user
from fleet.paths import REPOSITORY

_CODE = REPOSITORY / "fleet" / "server"
_READY_SECONDS = 60
_STOP_SECONDS = 20


def ensure(layout: Layout, gateway: str) -> str:
    """Have the server answer; what was done.

    Parameters
    ----------
    layout : Layout
        The fleet.
    gateway : str
        This machine's address in the fleet's network.
    """
    process = running(layout)
    done = "kept"
    if process is None:
        done = "started"
    elif _started_code(layout) != _code():
        stop(layout)
        process, done = None, "restarted with new code"
    _wait(layout, gateway, process or _start(layout, gateway))
    return done


def api_url(gateway: str) -> str:
    """Address of the API, the same for this machine, nodes and tasks."""
    return f"http://{gateway}:{API_PORT}"


def files_url(gateway: str) -> str:
    """Address of the file store."""
    return f"http://{gateway}:{FILES_PORT}"


def answers(gateway: str) -> bool:
    """Whether the API answers."""
    try:
        return requests.get(f"{api_url(gateway)}/debug.ping", timeout=3).ok
    except requests.RequestException:
        return False


def running(layout: Layout) -> int | None:
    """Id of the server's process, if it runs."""
    try:
        process = int(_pid_file(layout).read_text())
        words = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    except PermissionError as error:
        raise of_another_user(_pid_file(layout)) from error
    # The id may have gone to another process since.
    return process if str(layout.server).encode() in words else None


def stop(layout: Layout) -> bool:
    """End the server's process; whether there was one."""
    process = running(layout)
    if process is None:
        return False
    os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while running(layout) is not None:
        if time.monotonic() > deadline:
            os.kill(process, signal.SIGKILL)
            deadline += _STOP_SECONDS
        time.sleep(0.1)
    _pid_file(layout).unlink()
    return True


def log_file(layout: Layout) -> Path:
    """What the server writes."""
    return layout.server / "server.log"


def _start(layout: Layout, gateway: str) -> int:
    layout.server.mkdir(parents=True, exist_ok=True)
    layout.server.chmod(0o700)
    _code_file(layout).write_text(_code())
    with log_file(layout).open("ab") as log:
        process = subprocess.Popen(
            [
                own_program("fleet"),
                "server",
                *("--data", str(layout.server)),
                *("--host", gateway),
                *("--port", str(API_PORT)),
                *("--files-port", str(FILES_PORT)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=layout.server,
            start_new_session=True,
        )
        # At once: an interrupt before it would leave a server that nobody knows of.
        _pid_file(layout).write_text(str(process.pid))
    # Just after its start a process shows no arguments yet, and would not be known as ours.
    while running(layout) is None and process.poll() is None:
        time.sleep(0.01)
    return process.pid


def _wait(layout: Layout, gateway: str, process: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not answers(gateway):
        gone = running(layout) is None
        if gone or time.monotonic() > deadline:
            log = log_file(layout)
            said = tail(log.read_text(errors="replace")) if log.exists() else ""
            state = "ended at its start" if gone else f"does not answer after {_READY_SECONDS} s"
            raise FleetError(
                f"the embedded server (process {process}) {state}",
                where=f"{log}\n       {said}",
                mend="mend what the log says, then try again",
            )
        time.sleep(0.2)


def _code() -> str:
    """A fingerprint of the server's code, so that an old server is not kept."""
    digest = hashlib.sha256()
    for path in sorted(_CODE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _started_code(layout: Layout) -> str:
    file = _code_file(layout)
    return file.read_text() if file.exists() else ""


def _code_file(layout: Layout) -> Path:
    return layout.state / "server.code"


def _pid_file(layout: Layout) -> Path:
    return layout.state / "server.pid"
