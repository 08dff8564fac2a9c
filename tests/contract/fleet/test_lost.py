"""Tasks of a dead node go back; those of a live worker are never touched."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest

from fleet.lost import recover


@pytest.fixture
def server(api) -> Iterator[_Server]:
    """The server with a queue, and the ways to have work there."""
    server = _Server(api)
    yield server
    for worker in server.workers:
        api.call("workers.unregister", worker=worker)
    for task in api.tasks(status=["in_progress"], only_fields=["id"]):
        api.call("tasks.stopped", task=task["id"], force=True)


class _Server:
    def __init__(self, api):
        self.api = api
        self.name = uuid.uuid4().hex
        self.queue = api.call("queues.create", name=self.name)["id"]

    def enqueue(self, name: str) -> str:
        script = {"repository": "git://example/x.git", "entry_point": "x.py"}
        task = self.api.call("tasks.create", name=name, type="training", script=script)["id"]
        self.api.call("tasks.enqueue", task=task, queue=self.queue)
        return task

    def run(self, name: str, worker: str) -> str:
        """A task that a worker has in hand."""
        task = self.enqueue(name)
        self.api.call("workers.register", worker=worker, queues=[self.queue])
        self.api.call("queues.get_next_task", queue=self.queue)
        self.api.call("tasks.started", task=task)
        self.api.call("workers.status_report", worker=worker, timestamp=0, task=task)
        return task

    def task(self, task: str) -> dict:
        return self.api.call("tasks.get_by_id", task=task)["task"]

    @property
    def waiting(self) -> list[str]:
        (queue,) = (one for one in self.api.queues() if one["name"] == self.name)
        return [entry["task"] for entry in queue["entries"]]

    @property
    def workers(self) -> set[str]:
        listed = self.api.call("workers.get_all", last_seen=0)["workers"]
        return {worker["id"] for worker in listed}


def _silence(server, monkeypatch, *workers: str) -> None:
    """Ten minutes later the server has not heard of these workers; time itself need not pass."""
    call = server.api.call

    def answer(endpoint, **body):
        found = call(endpoint, **body)
        if endpoint == "workers.get_all" and body["last_seen"]:
            found["workers"] = [one for one in found["workers"] if one["id"] not in workers]
        return found

    later = server.api.now() + timedelta(seconds=600)
    monkeypatch.setattr(server.api, "call", answer)
    monkeypatch.setattr(server.api, "now", lambda: later)


def test_a_task_of_a_silent_worker_goes_to_the_front_of_its_queue_and_says_why(server, monkeypatch):
    lost = server.run("lost", "gpu-7:0")
    other = server.enqueue("other")
    _silence(server, monkeypatch, "gpu-7:0")

    found = recover(server.api, ["gpu-7"], silent_seconds=300)

    assert found.done == {lost: "put back"}
    assert server.waiting == [lost, other]
    task = server.task(lost)
    assert task["status"] == "queued"
    assert "its node is gone" in task["status_message"]
    assert "gpu-7:0" in task["status_message"]
    assert found.forgotten == ["gpu-7:0"]
    assert server.workers == set()
    assert any(lost in line and "put back" in line for line in found.lines)


def test_what_a_live_worker_runs_is_never_touched(server, monkeypatch):
    mine = server.run("mine", "gpu-7:0")
    others = server.run("others", "gpu-70:0")
    _silence(server, monkeypatch, "gpu-70:0")

    found = recover(server.api, ["gpu-7"], silent_seconds=300)

    assert (found.done, found.waits, found.forgotten) == ({}, [], [])
    assert found.alive == ["gpu-7:0"]
    assert {server.task(task)["status"] for task in (mine, others)} == {"in_progress"}
    assert server.workers == {"gpu-7:0", "gpu-70:0"}


def test_a_task_that_another_worker_holds_now_is_left_alone(server, monkeypatch):
    task = server.run("moved", "gpu-7:0")
    call = server.api.call
    _silence(server, monkeypatch, "gpu-7:0")
    call("workers.status_report", worker="gpu-8:0", timestamp=0, task=task)

    assert recover(server.api, ["gpu-7"], silent_seconds=300).done == {}
    assert server.task(task)["status"] == "in_progress"


def test_a_task_that_reported_lately_is_waited_for(server, monkeypatch):
    task = server.run("recent", "gpu-7:0")
    _silence(server, monkeypatch, "gpu-7:0")

    found = recover(server.api, ["gpu-7"], silent_seconds=900)

    assert [one.id for one in found.waits] == [task]
    assert (found.done, found.forgotten) == ({}, [])
    assert server.task(task)["status"] == "in_progress"


def test_children_of_a_services_agent_are_its_nodes_tasks_too(server, monkeypatch):
    worker = "controller-1:0:service:abc"
    task = server.run("child", worker)
    _silence(server, monkeypatch, worker)

    assert recover(server.api, ["controller-1"], silent_seconds=300).done == {task: "put back"}


def test_a_dry_run_changes_nothing(server, monkeypatch):
    task = server.run("lost", "gpu-7:0")
    _silence(server, monkeypatch, "gpu-7:0")

    found = recover(server.api, ["gpu-7"], silent_seconds=300, dry_run=True)

    assert (found.done, found.forgotten) == ({task: "put back"}, ["gpu-7:0"])
    assert server.task(task)["status"] == "in_progress"
    assert server.workers == {"gpu-7:0"}


def test_a_task_that_was_lost_too_often_fails_and_says_so(server, monkeypatch):
    lost = server.run("killer", "gpu-7:0")
    _silence(server, monkeypatch, "gpu-7:0")
    outcomes = []
    for _ in range(3):
        outcomes += recover(server.api, ["gpu-7"], silent_seconds=300).done.values()
        if server.task(lost)["status"] == "queued":
            server.api.call("queues.get_next_task", queue=server.queue)
            server.api.call("tasks.started", task=lost)
            server.api.call("workers.status_report", worker="gpu-7:0", timestamp=0, task=lost)

    assert outcomes == ["put back", "put back", "failed"]
    assert "lost again" in server.task(lost)["status_message"]
