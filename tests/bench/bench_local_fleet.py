"""The local fleet: time from nothing and again, a pipeline run, and what an idle fleet costs.

It makes a fleet of its own, `bench`, so that yours is left alone. "From nothing" is without images
and state; installed Debian packages and the virtual environment are there.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from fleet.paths import REPOSITORY, local_fleet_dir
from tests.bench.processes import cpu_seconds, memory_bytes

NAME = "bench"
IDLE_SECONDS = 60


def run(echo: Callable[[str], None]) -> dict[str, float]:
    """Measure, and remove the fleet again."""
    figures: dict[str, float] = {}
    _fleet("local", "down", "--name", NAME)
    try:
        echo("up from nothing")
        figures["up_s"] = _timed("local", "up", "--name", NAME, "--no-run")
        echo("up again")
        figures["up_again_s"] = _timed("local", "up", "--name", NAME, "--no-run")
        echo("the default pipeline run")
        figures["pipeline_run_s"] = _timed("run", "pipeline", "--wait")
        echo(f"idle for {IDLE_SECONDS} s")
        roots = _roots()
        before = cpu_seconds(roots)
        time.sleep(IDLE_SECONDS)
        figures["idle_core_percent"] = 100 * (cpu_seconds(roots) - before) / IDLE_SECONDS
        figures["memory_gib"] = memory_bytes(roots) / 2**30
        figures["disk_gb"] = _disk_bytes() / 1e9
    finally:
        _fleet("local", "down", "--name", NAME, "--keep-images")
    return figures


def _fleet(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [REPOSITORY / ".venv/bin/fleet", *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=_environment(),
    )


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key != "CLEARML_CONFIG_FILE"}
    return {**kept, "FLEET_LOCAL_NAME": NAME}


def _timed(*arguments: str) -> float:
    started = time.monotonic()
    _fleet(*arguments)
    return time.monotonic() - started


def _roots() -> list[int]:
    """First processes of the fleet's containers, the host's engine and the server."""
    ids = _output("docker", "ps", "--quiet", "--filter", f"label=fleet.local={NAME}").split()
    nodes = _output("docker", "inspect", "--format", "{{.State.Pid}}", *ids).split()
    engine = _output("pgrep", "--oldest", "--exact", "dockerd")
    server = (local_fleet_dir(NAME) / "server.pid").read_text()
    return [int(pid) for pid in (*nodes, engine, server)]


def _disk_bytes() -> int:
    root = _output("docker", "info", "--format", "{{.DockerRootDir}}").strip()
    folders = (Path(root), local_fleet_dir(NAME), REPOSITORY / ".venv")
    sizes = _output("du", "--one-file-system", "--summarize", "--block-size=1", *map(str, folders))
    return sum(int(line.split()[0]) for line in sizes.splitlines())


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
