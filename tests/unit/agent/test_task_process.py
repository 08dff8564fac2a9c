import subprocess
import sys

import pytest
from fleet_agent import task_process
from fleet_agent.engine import ContainerState, EngineAway
from fleet_agent.task_process import ContainerProcess, TaskCommand, TaskProcess


class Engine:
    """What the engine answers: states one after the other, an error where it is away."""

    def __init__(self, *states, removes=(True,)):
        self.states, self.removes, self.removed = list(states), list(removes), 0

    def read(self, _name):
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, Exception):
            raise state
        return state

    def remove(self, _name):
        self.removed += 1
        return self.removes.pop(0) if len(self.removes) > 1 else self.removes[0]


@pytest.fixture
def client():
    """One that has ended."""
    client = subprocess.Popen([sys.executable, "-c", ""])
    client.wait(20)
    return client


@pytest.fixture
def clock(monkeypatch):
    """Time goes on only where somebody sleeps."""
    now = [0.0]
    monkeypatch.setattr(task_process.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(task_process.time, "sleep", lambda s: now.__setitem__(0, now[0] + s))
    return now


@pytest.fixture
def process(client, clock, monkeypatch):
    def make(engine):
        monkeypatch.setattr(task_process, "read_container", engine.read)
        monkeypatch.setattr(task_process, "remove_container", engine.remove)
        monkeypatch.setattr(task_process, "_kill", lambda client: None)
        return ContainerProcess("c", client, lambda: None, lambda client: None, None)

    return make


KILLED = "import os; os.kill(os.getpid(), 9)"
RUNS = ContainerState("running")


def test_a_container_that_runs_is_ended(process):
    engine = Engine(RUNS)
    assert process(engine).end() is None
    assert engine.removed == 1


def test_one_that_has_ended_itself_keeps_its_status(process):
    engine = Engine(ContainerState("exited", 3))
    assert process(engine).end() == 3
    assert engine.removed == 0


def test_an_engine_that_starts_again_is_waited_for(process, clock):
    engine = Engine(EngineAway("away"), EngineAway("away"), RUNS)
    assert process(engine).end() is None
    assert engine.removed == 1
    assert clock[0] == 2


@pytest.mark.parametrize(
    "engine", [Engine(EngineAway("away")), Engine(RUNS, removes=[False])], ids=["away", "refuses"]
)
def test_what_cannot_be_ended_is_not_called_ended(process, clock, engine):
    with pytest.raises(EngineAway):
        process(engine).end()
    assert task_process.ENGINE_SECONDS <= clock[0] <= task_process.ENGINE_SECONDS + 2


def test_why_a_process_could_not_be_started_is_kept():
    command = TaskCommand(["/no/such/command"], lambda: None, lambda process: None)
    with pytest.raises(FileNotFoundError):
        command.call_subprocess(subprocess.Popen)
    assert "/no/such/command" in command.trouble
    assert command.process is None


@pytest.mark.parametrize(("code", "status"), [("raise SystemExit(3)", 3), (KILLED, None)])
def test_a_process_that_was_killed_has_not_ended_by_itself(code, status):
    process = subprocess.Popen([sys.executable, "-c", code])
    process.wait(20)
    assert TaskProcess(process, lambda: None).end() == status
