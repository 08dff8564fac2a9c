"""A clock that jumps while the real agent works: only durations decide.

The clock of a machine cannot be set for one process alone, so what the agent's process reads of it
is: Python's own functions give a time that jumps when a file says so.
"""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from tests.contract.agent.conftest import AGENT, WORKER, wait_for

_DAYS = 86400
# Python imports it by itself before anything else.
_CLOCK = """
import datetime, pathlib, time

_file = pathlib.Path({file!r})
_time, _time_ns, _Datetime = time.time, time.time_ns, datetime.datetime

def _jump():
    try:
        return int(_file.read_text())
    except (OSError, ValueError):
        return 0

class Datetime(_Datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(_time() + _jump(), tz)

    @classmethod
    def utcnow(cls):
        return cls.utcfromtimestamp(_time() + _jump())

time.time = lambda: _time() + _jump()
time.time_ns = lambda: _time_ns() + _jump() * 10**9
datetime.datetime = Datetime
"""
_WAITS = """
import pathlib, time
pathlib.Path({folder!r}, "began").touch()
while not pathlib.Path({folder!r}, "go").exists():
    time.sleep(0.1)
"""


@pytest.fixture
def clock(tmp_path):
    """The folder of the clock's module, and a function that has it jump by some seconds."""
    folder, file = tmp_path / "clock", tmp_path / "jump"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_CLOCK.format(file=str(file)))
    return folder, lambda seconds: file.write_text(str(seconds))


@pytest.mark.parametrize("days", [400, -400])
def test_the_agent_works_on_whatever_its_clock_does(server, start_agent, tmp_path, clock, days):
    folder, jump = clock
    task = server.enqueue(_WAITS.format(folder=str(tmp_path)))
    agent = start_agent(PYTHONPATH=f"{folder}{os.pathsep}{AGENT}")
    wait_for((tmp_path / "began").exists)

    jump(days * _DAYS)
    heard = _last_report(server)
    wait_for(lambda: _last_report(server) != heard, seconds=90)
    (tmp_path / "go").touch()

    wait_for(lambda: server.status(task) == "completed")
    later = server.enqueue("print('later')")
    wait_for(lambda: server.status(later) == "completed")
    environment = {**os.environ, "FLEET_AGENT_STATE": str(agent.state)}
    check = ["sh", str(AGENT / "health.sh")]
    assert subprocess.run(check, env=environment, check=False, timeout=10).returncode == 0
    agent.terminate()
    assert agent.wait(20) == 0, agent.log.read_text()
    assert server.workers() == []


def test_the_clock_of_the_agent_does_jump(tmp_path, clock):
    folder, jump = clock
    jump(_DAYS * 400)
    command = ["python3", "-c", "import time, datetime; print(datetime.datetime.now().year)"]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    years = {
        subprocess.check_output(command, env=each, text=True, timeout=20).strip()
        for each in (environment, {**os.environ, "PYTHONPATH": ""})
    }
    assert len(years) == 2


def test_nothing_of_the_agent_reckons_with_the_time_of_day():
    """`strftime` and `gmtime` write down when something was; no decision reads that again."""
    wall_clock = re.compile(r"time\.time(_ns)?\(|datetime|CLOCK_REALTIME|date \+%s")
    code = [*(AGENT / "fleet_agent").glob("*.py"), *AGENT.glob("*.sh")]
    assert len(code) > 10
    assert [file.name for file in code if wall_clock.search(file.read_text())] == []


def _last_report(server) -> str | None:
    for worker in server.call("workers.get_all")["workers"]:
        if worker["id"] == WORKER:
            return worker["last_report_time"]
    return None
