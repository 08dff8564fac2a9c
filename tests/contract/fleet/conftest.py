"""The embedded server as a process of its own, and a connection to it by the real SDK."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.clearml_api import Api, connect
from fleet.paths import REPOSITORY

_START_SECONDS = 30


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _answers(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


@pytest.fixture(scope="session")
def config_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    data = tmp_path_factory.mktemp("server")
    ports = [f"--port={_free_port()}", f"--files-port={_free_port()}"]
    command = [str(REPOSITORY / ".venv/bin/fleet"), "server", f"--data={data}", *ports]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            deadline = time.monotonic() + _START_SECONDS
            while not _answers(ports[0].partition("=")[2]):
                assert server.poll() is None, "the server ended at once"
                assert time.monotonic() < deadline, "the server did not start"
                time.sleep(0.1)
            yield data / "clearml.conf"
        finally:
            server.send_signal(signal.SIGTERM)


@pytest.fixture(scope="session")
def api(config_file: Path) -> Iterator[Api]:
    before = os.environ.get("CLEARML_CONFIG_FILE")
    yield connect(config_file)
    if before is None:
        os.environ.pop("CLEARML_CONFIG_FILE", None)
    else:
        os.environ["CLEARML_CONFIG_FILE"] = before
