"""The agent's entry point is no part of the installed packages: it lives in its image."""

import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "images" / "agent"))


@pytest.fixture
def alarm():
    """Afterwards signals and the timer are as before: the tests' own limit uses them, too."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    left, again = signal.setitimer(signal.ITIMER_REAL, 0)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    signal.setitimer(signal.ITIMER_REAL, left, again)


class Monitor:
    """Stands for the stock monitor."""

    def send_report(self, stats=None):
        return True


@pytest.fixture
def make_worker(tmp_path, monkeypatch, alarm):
    """A worker as the agent starts it, but without a server."""
    from clearml_agent.commands import Worker
    from clearml_agent.commands import worker as stock
    from fleet_agent.drain import Drain
    from fleet_agent.settings import Settings
    from fleet_agent.worker import FleetWorker

    monkeypatch.setenv("CLEARML_AGENT_DOCKER_HOST_MOUNT", f"/host:{tmp_path}")
    monkeypatch.setenv("CLEARML_AGENT_TEMP_STDOUT_FILE_DIR", "")

    def start(self, **arguments):
        self.worker_id, self.monitor = "node:0", Monitor()
        self._services_mode = arguments.get("services", False)

    monkeypatch.setattr(stock, "get_next_task", stock.get_next_task)  # which a worker replaces
    monkeypatch.setattr(Worker, "__init__", start)
    monkeypatch.setattr(type(Worker), "_instances", {})  # a process has one worker

    def make(**arguments):
        drain = Drain()
        keep, state = tmp_path / "keep", tmp_path / "state"
        worker = FleetWorker(drain, Settings(state, keep, None, 0, (), ""), **arguments)
        worker._slot.take(lambda: None)
        return worker

    return make
