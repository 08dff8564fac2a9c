"""The real clearml-agent behind our entry point, against the embedded server, in venv mode."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests

from fleet.clearml_api import Api
from fleet.queues import ensure_queues
from fleet.templates import StepCode, publish
from tests.contract.agent.declared import QUEUE, SPEC, WANTED

AGENT = Path(__file__).parents[3] / "images" / "agent"
WORKER = "node:0"


def wait_for(condition, *, seconds=40):
    """The first true value of a condition, or a failure."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s")


@dataclass
class Server:
    process: subprocess.Popen
    config: Path

    def __post_init__(self):
        found = dict(re.findall(r'(\w+): "([^"]+)"', self.config.read_text()))
        self.url = found["api_server"]
        self.key = found["access_key"], found["secret_key"]

    def call(self, endpoint, **data):
        """One request of its own: the SDK's session keeps the first server of a process."""
        answer = requests.post(f"{self.url}/{endpoint}", json=data, auth=self.key, timeout=10)
        answer.raise_for_status()
        return answer.json()["data"]

    def draft(self, code):
        """A task of one literal script, in no queue."""
        script = {
            "binary": "python3",
            "repository": "",
            "entry_point": "job.py",
            "working_dir": ".",
            "diff": code,
            "requirements": {"pip": ""},
        }
        return self.call("tasks.create", name="job", type="training", script=script)["id"]

    def enqueue(self, code):
        """A task of one literal script, in the queue."""
        task = self.draft(code)
        self.call("tasks.enqueue", task=task, queue_name=QUEUE)
        return task

    @property
    def host(self):
        """With `send_request`: what `Api` wants of a session."""
        return self.url

    def send_request(self, service, action, *, method, json):
        url = f"{self.url}/{service}.{action}"
        return requests.request(method, url, json=json, auth=self.key, timeout=10)

    def status(self, task):
        return self.call("tasks.get_by_id", task=task)["task"]["status"]

    def tags(self, name):
        """The tags of a worker, as the server knows them; None when it does not know the worker."""
        for worker in self.call("workers.get_all")["workers"]:
            if worker["id"] == name:
                return worker.get("tags") or []
        return None

    def workers(self):
        return [worker["id"] for worker in self.call("workers.get_all")["workers"]]


@pytest.fixture
def server(tmp_path):
    ports = []
    for _ in range(2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports.append(str(free.getsockname()[1]))
    command = [Path(sys.executable).with_name("fleet"), "server", "--data", tmp_path / "server"]
    command += ["--port", ports[0], "--files-port", ports[1]]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1
    )
    try:
        for line in process.stdout:
            if line.strip() == "ready":
                break
        server = Server(process, tmp_path / "server" / "clearml.conf")
        server.call("queues.create", name=QUEUE)
        yield server
    finally:
        process.kill()
        process.wait(10)


@pytest.fixture
def api(server):
    """The server with the queues and templates that are declared; no agent is there."""
    found = Api(server)
    ensure_queues(found, SPEC.queues)
    code = StepCode("git://example/fleet.git", "a" * 40)
    publish(found, SPEC, code, registry=WANTED.registry, digests=WANTED.digests)
    return found


@pytest.fixture
def start_agent(server, tmp_path):
    """Start an agent; it is in a process group of its own, which is killed at the end."""
    agents = []
    config = tmp_path / "agent.conf"
    config.write_text(
        server.config.read_text()
        + f"""
agent {{
    disable_agent_update_check: true
    bootstrap {{ use_bootstrap: false }}
    venvs_dir: "{tmp_path}/venvs"
    vcs_cache {{ path: "{tmp_path}/vcs" }}
    pip_download_cache {{ enabled: false, path: "" }}
}}
"""
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(AGENT),
        "PYTHONUNBUFFERED": "1",
        "CLEARML_CONFIG_FILE": str(config),
        "CLEARML_WORKER_ID": WORKER,
        "CLEARML_AGENT_QUEUE_POLL_FREQ_SEC": "0.5",
        "CLEARML_AGENT_SKIP_PYTHON_ENV_INSTALL": "1",
    }

    def start(*queues, **more):
        # As containers do, agents share no file of their own; the first one's state is in `state`.
        place = tmp_path / f"agent-{len(agents)}"
        place.mkdir()
        state = tmp_path / "state" if not agents else place / "state"
        own = {"HOME": str(place), "TMPDIR": str(place), "FLEET_AGENT_STATE": str(state)}
        log = tmp_path / f"agent-{len(agents)}.log"
        process = subprocess.Popen(
            [sys.executable, "-m", "fleet_agent", "--queue", *(queues or [QUEUE]), "--cpu-only"],
            env=environment | own | more,
            cwd=tmp_path,
            start_new_session=True,
            stdout=log.open("w"),
            stderr=subprocess.STDOUT,
        )
        process.log, process.state = log, state
        agents.append(process)
        return process

    start.polled = tmp_path / "state" / "polled"
    yield start
    for process in agents:
        if process.poll() is None:
            # its tasks are in process groups of their own, and outlive it
            left = psutil.Process(process.pid).children(recursive=True)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            for one in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
