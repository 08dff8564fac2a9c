"""A real server on free ports, and a client that speaks its envelope."""

from __future__ import annotations

import functools
import importlib
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

START = [sys.executable, "-c", "from fleet.cli import main; main()", "server"]


@functools.cache
def response_class(name: str) -> type | None:
    """The SDK's class of the answers of an endpoint; None when the SDK does not know it."""
    service, _, action = name.partition(".")
    try:
        module = importlib.import_module(f"clearml.backend_api.services.v2_23.{service}")
    except ModuleNotFoundError:
        return None
    for value in vars(module).values():
        is_response = isinstance(value, type) and value.__name__.endswith("Response")
        if is_response and getattr(value, "_action", None) == action:
            return value
    return None


class Server:
    """A server process on a data folder."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.data = data
        ports = () if "--port" in arguments else ("--port", "0", "--files-port", "0")
        self.process = subprocess.Popen(
            [*START, "--data", str(data), *ports, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addresses = self._addresses()

    def _addresses(self) -> dict[str, str]:
        found = {}
        for line in self.process.stdout:
            if line.strip() == "ready":
                return found
            name, _, value = line.partition(":")
            found[name] = value.strip()
        raise AssertionError(f"the server did not start: {self.process.stderr.read()}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and give the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=15)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def keys(self) -> tuple[str, str]:
        """The access key and the secret key in the client configuration."""
        text = (self.data / "clearml.conf").read_text()
        return tuple(
            re.search(rf'{name}: "([^"]+)"', text)[1] for name in ("access_key", "secret_key")
        )


class Api:
    """Calls with a token."""

    def __init__(self, server: Server) -> None:
        self.url = server.addresses["api"]
        self.files = server.addresses["files"]
        self.session = requests.Session()
        answer = self.session.post(f"{self.url}/auth.login", auth=server.keys(), timeout=10)
        self.token = answer.json()["data"]["token"]
        self.session.headers["Authorization"] = f"Bearer {self.token}"

    def send(self, name: str, data: dict | None = None, **options) -> requests.Response:
        return self.session.post(f"{self.url}/v2.23/{name}", json=data or {}, timeout=10, **options)

    def call(self, name: str, /, **data):
        """The data of an answer that must be good, and that the SDK's classes can take."""
        answer = self.send(name, data).json()
        assert answer["meta"]["result_code"] == 200, answer["meta"]
        response = response_class(name)
        if response:
            response(**answer["data"])
        return answer["data"]

    def refused(self, name: str, /, **data) -> tuple[int, int]:
        """The code and sub-code of a refusal."""
        response = self.send(name, data)
        meta = response.json()["meta"]
        assert response.status_code == meta["result_code"] != 200
        return meta["result_code"], meta["result_subcode"]

    def task(self, name: str = "a task", /, **fields) -> str:
        return self.call("tasks.create", **{"name": name, "type": "training", **fields})["id"]

    def status(self, task: str) -> str:
        return self.call("tasks.get_by_id", task=task)["task"]["status"]

    def queue(self) -> str:
        """A new queue; its id."""
        return self.call("queues.create", name=f"queue-{time.monotonic_ns()}")["id"]


@pytest.fixture(scope="session")
def start_server():
    """Start servers on data folders; they are stopped in the end."""
    running: list[Server] = []

    def start(data: Path, *arguments: str) -> Server:
        running.append(Server(data, *arguments))
        return running[-1]

    yield start
    for server in running:
        if server.process.returncode is None:
            server.stop(signal.SIGKILL)


@pytest.fixture(scope="session")
def server(start_server, tmp_path_factory) -> Server:
    return start_server(tmp_path_factory.mktemp("server") / "data")


@pytest.fixture(scope="session")
def connect():
    """Connect a client to a server."""
    return Api


@pytest.fixture(scope="session")
def api(server) -> Api:
    return Api(server)
