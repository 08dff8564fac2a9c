"""What cannot be finished goes back to its queue; the agent is the real one, in venv mode."""

import json
import os
import signal

import psutil
import pytest

from tests.contract.agent.conftest import WORKER, wait_for
from tests.contract.agent.declared import QUEUE

# Runs to its end only when it is told to; says so each time that it begins.
WAITS = """
import pathlib, time
folder = pathlib.Path({folder!r})
with (folder / "began").open("a") as file:
    file.write("x")
print("hello from a run", flush=True)
while not (folder / "go").exists():
    time.sleep(0.1)
"""


def signal_again(agent):
    """A second SIGTERM: two that come at once are one to the kernel."""
    wait_for(lambda: "Drain: no more tasks" in agent.log.read_text())
    agent.terminate()


def begun(folder):
    found = folder / "began"
    return len(found.read_text()) if found.exists() else 0


def log(server, task):
    answer = server.call("events.get_task_log", task=task, order="asc", batch_size=500)
    return "".join(event["msg"] for event in answer["events"])


def waiting(server):
    (queue,) = server.call("queues.get_all", name=f"^{QUEUE}$")["queues"]
    return [entry["task"] for entry in queue["entries"]]


def found(server, task):
    return server.call("tasks.get_by_id", task=task)["task"]


@pytest.fixture
def keep(tmp_path):
    return {"FLEET_AGENT_KEEP": str(tmp_path / "keep")}


def records(tmp_path):
    return list((tmp_path / "keep" / "in-hand").glob("*.json"))


@pytest.mark.parametrize("how", ["a second signal", "the deadline"])
def test_a_task_that_may_not_be_finished_goes_back_to_the_front_of_its_queue(
    server, start_agent, keep, tmp_path, how
):
    task = server.enqueue(WAITS.format(folder=str(tmp_path)))
    properties = [{"section": "properties", "name": "run_id", "value": "r1"}]
    server.call("tasks.edit_hyper_params", task=task, hyperparams=properties)
    seconds = {"FLEET_AGENT_DRAIN_SECONDS": "1"} if how == "the deadline" else {}
    agent = start_agent(**keep, **seconds)
    wait_for(lambda: begun(tmp_path) == 1)
    other = server.enqueue("print('other')")
    assert [json.loads(file.read_text())["task"] for file in records(tmp_path)] == [task]

    agent.terminate()
    if how == "a second signal":
        signal_again(agent)

    assert agent.wait(20) == 0, agent.log.read_text()
    assert waiting(server) == [task, other]
    assert records(tmp_path) == []
    task_found = found(server, task)
    assert task_found["status"] == "queued"
    assert task_found["status_reason"] == "put back by its agent"
    assert WORKER in task_found["status_message"]
    assert "leave" in task_found["status_message"]
    assert task_found["hyperparams"]["properties"]["run_id"]["value"] == "r1"
    said = log(server, task)
    assert said.startswith("put back to the front of its queue")
    assert "abort" not in said
    assert "hello from a run" not in said

    (tmp_path / "go").touch()
    start_agent(**keep)
    wait_for(lambda: server.status(other) == "completed")
    assert server.status(task) == "completed"
    assert begun(tmp_path) == 2
    said = log(server, task)
    assert said.startswith("put back to the front of its queue")
    assert said.count("hello from a run") == 1


def test_a_task_whose_agent_was_killed_with_it_is_put_back_twice_and_then_fails(
    server, start_agent, keep, tmp_path
):
    task = server.enqueue(WAITS.format(folder=str(tmp_path)))
    for times in (1, 2, 3):
        agent = start_agent(**keep)
        wait_for(lambda times=times: begun(tmp_path) == times)
        for pid in [agent.pid, *children(agent.pid)]:
            os.kill(pid, signal.SIGKILL)
        agent.wait(10)
        assert server.status(task) == "in_progress"

    start_agent(**keep)
    wait_for(lambda: server.status(task) == "failed")
    assert "put back 2 times" in found(server, task)["status_message"]
    assert records(tmp_path) == []


def children(pid):
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def test_a_task_that_a_person_is_stopping_is_not_put_back(server, start_agent, keep, tmp_path):
    task = server.enqueue(WAITS.format(folder=str(tmp_path)))
    agent = start_agent(**keep, CLEARML_AGENT_QUEUE_POLL_FREQ_SEC="5")
    wait_for(lambda: begun(tmp_path) == 1)
    server.call("tasks.stop", task=task)
    agent.terminate()
    signal_again(agent)

    assert agent.wait(20) == 0, agent.log.read_text()
    assert server.status(task) == "stopped"
    assert waiting(server) == []


def test_a_task_that_nobody_could_put_back_in_time_is_put_back_by_the_next_agent(
    server, start_agent, keep, tmp_path
):
    task = server.enqueue("print('done')")
    agent = start_agent(**keep)
    wait_for(lambda: server.status(task) == "completed")
    agent.terminate()
    agent.wait(10)
    # As an agent leaves it that has reset the task when the server goes away.
    server.call("tasks.reset", task=task)
    leave_record(server, tmp_path, task, put_back="its agent had to leave", is_withdrawn=True)

    start_agent(**keep)

    wait_for(lambda: server.status(task) == "completed")
    assert "its agent had to leave" in log(server, task)
    wait_for(lambda: records(tmp_path) == [])


def test_a_draft_that_a_person_made_of_it_meanwhile_stays_one(server, start_agent, keep, tmp_path):
    task = server.draft("print('done')")
    leave_record(server, tmp_path, task, put_back="its agent had to leave")

    start_agent(**keep)

    wait_for(lambda: records(tmp_path) == [])
    assert server.status(task) == "created"


def test_a_task_that_was_taken_and_not_started_is_run_all_the_same(
    server, start_agent, keep, tmp_path
):
    task = server.enqueue("print('done')")
    (queue,) = server.call("queues.get_all", name=f"^{QUEUE}$")["queues"]
    server.call("queues.get_next_task", queue=queue["id"])
    leave_record(server, tmp_path, task)

    start_agent(**keep)

    wait_for(lambda: server.status(task) == "completed")
    assert "before it started it" in log(server, task)


def leave_record(server, tmp_path, task, **more):
    """As of an agent that is gone."""
    (queue,) = server.call("queues.get_all", name=f"^{QUEUE}$")["queues"]
    folder = tmp_path / "keep" / "in-hand"
    folder.mkdir(parents=True, exist_ok=True)
    record = {"task": task, "queue": queue["id"], **more}
    (folder / f"{task}.json").write_text(json.dumps(record))
