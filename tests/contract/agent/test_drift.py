"""What drift says of the real agent: how it starts, works, goes and dies."""

import os
import signal
import time

from fleet.drift import compare, read_live
from tests.contract.agent.conftest import QUEUE, WORKER, wait_for
from tests.contract.agent.declared import PLAN, SECOND, SLOT, TAGS, WANTED

WAITS = """
import pathlib, time
pathlib.Path({folder!r}, "began").touch()
while not pathlib.Path({folder!r}, "go").exists():
    time.sleep(0.1)
"""


def drift(api, **options):
    return list(compare(WANTED, [PLAN], read_live(api, **options)))


def test_an_agent_has_said_what_it_is_when_it_polls_and_says_it_while_a_task_runs(
    api, server, start_agent, tmp_path
):
    (missing,) = drift(api)
    assert (missing.action, missing.kind, missing.name) == ("add", "worker", WORKER)

    agent = start_agent(*SLOT.queues, CLEARML_WORKER_TAGS=TAGS)
    wait_for(start_agent.polled.exists)
    assert drift(api) == []

    task = server.enqueue(WAITS.format(folder=str(tmp_path)))
    wait_for((tmp_path / "began").exists)
    (worker,) = api.call("workers.get_all")["workers"]
    assert worker["task"]["id"] == task
    assert drift(api) == []

    agent.terminate()  # it drains: the task in hand is still its own
    time.sleep(1)
    assert drift(api) == []
    (tmp_path / "go").touch()
    assert agent.wait(30) == 0, agent.log.read_text()
    (gone,) = drift(api)
    assert (gone.action, gone.name, gone.last_heard) == ("add", WORKER, "")
    assert "has not heard of it" in gone.why


def test_an_agent_that_is_killed_is_lost_after_a_while(api, start_agent):
    agent = start_agent(*SLOT.queues, CLEARML_WORKER_TAGS=TAGS)
    wait_for(start_agent.polled.exists)
    os.killpg(agent.pid, signal.SIGKILL)
    agent.wait(10)
    assert drift(api) == []

    (lost,) = wait_for(lambda: drift(api, lost_seconds=2), seconds=10)
    assert (lost.action, lost.name, lost.node) == ("add", WORKER, "node")
    assert lost.last_heard
    assert f"lost: last heard at {lost.last_heard}" in lost.why


def test_other_queues_other_images_and_no_tags_are_changes(api, start_agent):
    other = TAGS.replace("c" * 64, "d" * 64).replace(f"{QUEUE},{SECOND}", f"{SECOND},{QUEUE}")
    agent = start_agent(SECOND, QUEUE, CLEARML_WORKER_TAGS=other)
    wait_for(start_agent.polled.exists)
    (change,) = drift(api)
    assert (change.action, change.name) == ("change", WORKER)
    assert [(item.field, item.old, item.new) for item in change.changes] == [
        ("image", "sha256:" + "d" * 64, "sha256:" + "c" * 64),
        ("order of queues", f"{SECOND},{QUEUE}", f"{QUEUE},{SECOND}"),
    ]
    agent.terminate()
    agent.wait(10)

    again = start_agent(*SLOT.queues)
    wait_for((again.state / "polled").exists)
    (change,) = drift(api)
    assert (change.action, change.name) == ("change", WORKER)
    assert "does not say which image it runs" in change.why


def test_strays_are_told_and_a_services_task_belongs_to_its_slot(api, server, start_agent):
    start_agent(*SLOT.queues, CLEARML_WORKER_TAGS=TAGS)
    wait_for(start_agent.polled.exists)
    # What the agent within a service's container reports: an id of its own, no queues, no tags.
    service = f"{WORKER}:service:{'0' * 32}"
    api.call("workers.status_report", worker=service, timestamp=1, task="0" * 32)
    assert drift(api) == []

    stray = api.call("queues.create", name="team-b")["id"]
    api.call("workers.register", worker="laptop:0", queues=[stray])
    task = api.call("tasks.create", name="job", type="training")["id"]
    api.call("tasks.enqueue", task=task, queue=stray)
    queue, worker = drift(api)
    assert (queue.action, queue.kind, queue.name) == ("unknown", "queue", "team-b")
    assert "1 task waiting, polled by laptop:0" in queue.why
    assert (worker.action, worker.kind, worker.name) == ("unknown", "worker", "laptop:0")
