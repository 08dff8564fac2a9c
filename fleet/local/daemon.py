"""Docker on this machine: install and start it where that is missing, stop it if we started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from fleet.command import APT_WAITS, find, run, tail
from fleet.errors import FleetError
from fleet.local import engine
from fleet.local.layout import Layout, write_private

DOCKER_PACKAGE = "docker.io"
#: Debian 13 has apart from it what Debian 12's client has built in.
_BUILD_PACKAGE = "docker-buildx"
#: What a local fleet needs of the system: the program, and the Debian package that brings it.
PACKAGES = {
    "docker": DOCKER_PACKAGE,
    "dockerd": DOCKER_PACKAGE,
    "iptables": "iptables",
    "git": "git",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
#: How an engine was started, while that is not over yet.
PENDING = "pending"
_PROCESS_FILE = Path("/run/docker.pid")
_SYSTEMD = Path("/run/systemd/system")
_APT_SECONDS = 900
_READY_SECONDS = 60
_SERVICE_SECONDS = 15
_STOP_SECONDS = 60


def missing_packages(*, engine_answers: bool) -> list[str]:
    """Debian packages whose programs are not there; an engine that answers needs no daemon here."""
    wanted = dict(PACKAGES)
    if engine_answers:
        wanted = {name: wanted[name] for name in ("docker", "git", "ssh", "ssh-keygen")}
    return sorted({package for program, package in wanted.items() if find(program) is None})


def install(packages: list[str], say: Callable[[str], None]) -> None:
    """Install Debian packages, after saying so."""
    say(f"installing {', '.join(packages)} from Debian")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    mend = "look at the package sources of this machine (`apt-get update`), then try again"
    run(["apt-get", "update", "-q", *APT_WAITS], timeout=_APT_SECONDS, env=quiet, mend=mend)
    if DOCKER_PACKAGE in packages:
        known = run(["apt-cache", "show", _BUILD_PACKAGE], check=False).returncode == 0
        packages = [*packages, _BUILD_PACKAGE] if known else packages
    command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *APT_WAITS, *packages]
    run(command, timeout=_APT_SECONDS, env=quiet, mend=mend)


def start(layout: Layout, say: Callable[[str], None]) -> str:
    """Start the engine and remember how, so that `down` can stop it.

    Returns
    -------
    str
        How: `systemd`, `service` or `dockerd`.

    Raises
    ------
    FleetError
        It does not come up, whatever is tried.
    """
    # An interrupt must not leave an engine that nobody knows of.
    remember(layout, PENDING)
    for how, attempt in (("systemd", _systemd), ("service", _service), ("dockerd", _dockerd)):
        process = attempt(layout)
        if process is None:
            continue
        say(f"starting the Docker Engine ({how})")
        remember(layout, how, process)
        if _answers(_SERVICE_SECONDS if how == "service" else _READY_SECONDS, process):
            return how
        if how == "dockerd":
            _end(process)
    log = layout.engine / "dockerd.log"
    said = tail(log.read_text(errors="replace")) if log.exists() else "no log"
    _started(layout).unlink(missing_ok=True)
    raise FleetError(
        "the Docker Engine does not start",
        where=f"{log}\n       {said}",
        mend="mend what the log says, or start Docker yourself, then try again",
    )


def stop(layout: Layout) -> str:
    """Stop the engine if a local fleet started it and nothing else uses it.

    Returns
    -------
    str
        What was done, for people; empty when it was not ours to stop.
    """
    memory = started_by_us(layout)
    if memory is None:
        return ""
    if engine.docker("ps", "--all", "--quiet").stdout.strip():
        return "the Docker Engine keeps running: other containers are there"
    how, process = memory["how"], memory["process"]
    if how == PENDING:
        how, process = _found()
    if how == "systemd":
        run(["systemctl", "stop", "docker.socket", "docker.service"], timeout=_STOP_SECONDS)
    elif how == "service":
        run(["service", "docker", "stop"], timeout=_STOP_SECONDS)
    else:
        _end(process)
    forget(layout)
    return f"the Docker Engine (stopped; it was started by `fleet local up` with {how})"


def remember(layout: Layout, how: str, process: int = 0) -> None:
    """Note that a local fleet started the engine: how, and its process where it is our child."""
    layout.engine.mkdir(parents=True, exist_ok=True)
    memory = {"how": how, "process": process, "boot": _boot()}
    write_private(_started(layout), json.dumps(memory))


def started_by_us(layout: Layout) -> dict | None:
    """How a local fleet started the engine that runs now, or None if somebody else did."""
    try:
        memory = json.loads(_started(layout).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    if memory["boot"] != _boot():
        return None
    if memory["process"] and _name(memory["process"]) != "dockerd":
        return None
    return memory


def forget(layout: Layout) -> None:
    """Drop what is remembered of an engine that is stopped."""
    for file in ("started.json", "dockerd.log"):
        (layout.engine / file).unlink(missing_ok=True)
    if layout.engine.exists() and not any(layout.engine.iterdir()):
        layout.engine.rmdir()


def _systemd(_layout: Layout) -> int | None:
    if not _SYSTEMD.is_dir():
        return None
    done = run(["systemctl", "start", "docker"], timeout=_READY_SECONDS, check=False)
    return 0 if done.returncode == 0 else None


def _service(_layout: Layout) -> int | None:
    if find("service") is None or not Path("/etc/init.d/docker").exists():
        return None
    done = run(["service", "docker", "start"], timeout=_READY_SECONDS, check=False)
    return 0 if done.returncode == 0 else None


def _dockerd(layout: Layout) -> int | None:
    program = find("dockerd")
    if program is None:
        return None
    layout.engine.mkdir(parents=True, exist_ok=True)
    with (layout.engine / "dockerd.log").open("ab") as log:
        process = subprocess.Popen(
            [program],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )
    return process.pid


def _answers(seconds: float, process: int) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if engine.info() is not None:
            return True
        if process and _name(process) == "":
            return False
        time.sleep(0.3)
    return False


def _found() -> tuple[str, int]:
    """How an engine runs whose start was interrupted, and its process where we must end that."""
    if _SYSTEMD.is_dir():
        return "systemd", 0
    process = int(_PROCESS_FILE.read_text()) if _PROCESS_FILE.exists() else 0
    return "dockerd", process


def _end(process: int) -> None:
    """End an engine's process; one that is gone, or is none, is left alone."""
    if _name(process) != "dockerd":
        return
    os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while _name(process) == "dockerd":
        if time.monotonic() > deadline:
            raise FleetError(
                f"the Docker Engine (process {process}) does not stop",
                mend=f"see what keeps it, then `kill -9 {process}`",
            )
        time.sleep(0.2)


def _started(layout: Layout) -> Path:
    return layout.engine / "started.json"


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _name(process: int) -> str:
    """Name of a process that runs; empty for one that has ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return ""
    name, _, rest = stat.partition("(")[2].rpartition(")")
    return "" if rest.split()[0] in "ZX" else name
