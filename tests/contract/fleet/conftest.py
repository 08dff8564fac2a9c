"""The embedded server as a process of its own, and a connection to it by the real SDK."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.clearml_api import Api, connect
from fleet.paths import REPOSITORY


@pytest.fixture(scope="session")
def config_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    data = tmp_path_factory.mktemp("server")
    fleet = str(REPOSITORY / ".venv/bin/fleet")
    command = [fleet, "server", f"--data={data}", "--port=0", "--files-port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert any(line.strip() == "ready" for line in server.stdout), "the server ended"
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
