"""Services of a slot whose agent is replaced; old and new agent are the real ones, in venv mode."""

import pathlib
from itertools import takewhile

import psutil

from tests.contract.agent.conftest import WORKER, wait_for
from tests.contract.agent.declared import QUEUE
from tests.contract.agent.test_handover import state

# Says when it begins, and that it is there for as long as it is.
BEATS = """
import os, pathlib, time
folder = pathlib.Path({folder!r})
with (folder / "began").open("a") as file:
    file.write(f"{{os.getpid()}}\\n")
while not (folder / "go").exists():
    time.sleep(0.1)
"""


def pids(folder: pathlib.Path) -> list[int]:
    """The processes of the runs that began."""
    found = folder / "began"
    return [int(pid) for pid in found.read_text().split()] if found.exists() else []


def runs(folder: pathlib.Path) -> list[bool]:
    """Of each run that began: whether its process is there."""
    return [psutil.pid_exists(pid) for pid in pids(folder)]


def hold_up(agent, pid: int) -> None:
    """Have nothing between an agent and the process of a task notice anything of the task."""
    for each in takewhile(lambda one: one.pid != agent.pid, psutil.Process(pid).parents()):
        each.suspend()


def test_a_service_that_is_enqueued_anew_after_a_handover_runs_once(server, start_agent, tmp_path):
    keep = {"FLEET_AGENT_KEEP": str(tmp_path / "keep")}
    task = server.enqueue(BEATS.format(folder=str(tmp_path)))
    old = start_agent(QUEUE, "--services-mode", **keep)
    wait_for(lambda: runs(tmp_path) == [True])
    wait_for(lambda: "Service bootstrap completed" in old.log.read_text())
    new = start_agent(QUEUE, "--services-mode", **keep)
    wait_for(lambda: state(new) == "standing-by")
    old.terminate()
    wait_for(lambda: state(new) == "idle")
    assert old.poll() is None
    hold_up(old, *pids(tmp_path))
    assert runs(tmp_path) == [True]

    server.call("tasks.reset", task=task, force=True)
    server.call("tasks.enqueue", task=task, queue_name=QUEUE)
    wait_for(lambda: len(runs(tmp_path)) == 2)

    assert runs(tmp_path) == [False, True], new.log.read_text()
    assert old.wait(30) == 0, old.log.read_text()
    (tmp_path / "go").touch()
    wait_for(lambda: server.status(task) == "completed")
    wait_for(lambda: list((tmp_path / "keep" / "in-hand").iterdir()) == [])
    assert WORKER in server.workers()
