"""The status machine, change by change, as the official server was measured to behave."""

from __future__ import annotations

import pytest

STATUSES = ("created", "queued", "in_progress", "stopped", "failed", "completed", "published")


def reach(api, status: str, **fields) -> str:
    """A task in a status."""
    task = api.task(**fields)
    if status == "created":
        return task
    if status == "queued":
        api.call("tasks.enqueue", task=task, queue=api.queue())
        return task
    api.call("tasks.started", task=task)
    if status == "published":
        api.call("tasks.completed", task=task)
        api.call("tasks.publish", task=task)
    elif status != "in_progress":
        api.call(f"tasks.{status}", task=task)
    assert api.status(task) == status
    return task


@pytest.mark.parametrize(
    ("action", "allowed", "result"),
    [
        ("enqueue", {"created", "queued", "stopped", "failed"}, "queued"),
        ("started", set(STATUSES) - {"published"}, "in_progress"),
        ("stopped", {"queued", "in_progress", "stopped", "failed"}, "stopped"),
        (
            "failed",
            {"created", "queued", "in_progress", "stopped", "failed"},
            "failed",
        ),
        ("completed", {"queued", "in_progress", "stopped", "completed"}, "completed"),
        ("publish", {"stopped", "completed", "failed"}, "published"),
        ("reset", set(STATUSES) - {"published"}, "created"),
        ("stop", {"queued", "in_progress"}, "stopped"),
    ],
)
def test_change_of_status(api, action, allowed, result):
    queue = api.queue()
    for status in STATUSES:
        task = reach(api, status)
        data = {"task": task, **({"queue": queue} if action == "enqueue" else {})}
        if status in allowed:
            api.call(f"tasks.{action}", **data)
            assert api.status(task) == result, status
        else:
            assert api.refused(f"tasks.{action}", **data) == (400, 110), status
            assert api.status(task) == status


def test_enqueue_twice_and_into_another_queue(api):
    task, first, second = api.task(), api.queue(), api.queue()
    answer = api.call("tasks.enqueue", task=task, queue=first, verify_watched_queue=True)
    assert answer["queued"] == 1
    assert answer["queue_watched"] is False
    assert api.refused("tasks.enqueue", task=task, queue=first) == (400, 706)
    api.call("tasks.enqueue", task=task, queue=second)
    assert api.call("queues.get_num_entries", queue=first)["num"] == 0
    assert api.call("queues.peek_task", queue=second)["task"] == task


def test_enqueue_failed_keeps_its_times(api):
    task = reach(api, "failed")
    before = api.call("tasks.get_by_id", task=task)["task"]
    api.call("tasks.enqueue", task=task, queue=api.queue())
    after = api.call("tasks.get_by_id", task=task)["task"]
    assert (after["started"], after["completed"]) == (before["started"], before["completed"])


def test_enqueue_by_name_makes_the_queue(api):
    api.call("tasks.enqueue", task=api.task(), queue_name="made on the way")
    assert api.call("queues.get_all", name="^made on the way$")["queues"]
    assert api.refused("tasks.enqueue", task=api.task(), queue="0" * 32) == (400, 701)
    assert api.refused("tasks.enqueue", task=api.task()) == (400, 707)


def test_enqueued_task_is_no_development_run(api):
    task = api.task(system_tags=["development", "other"])
    api.call("tasks.enqueue", task=task, queue=api.queue())
    assert api.call("tasks.get_by_id", task=task)["task"]["system_tags"] == ["other"]


def test_dequeue(api):
    task, queue = api.task(), api.queue()
    api.call("tasks.enqueue", task=task, queue=queue)
    assert api.call("tasks.dequeue", task=task)["dequeued"] == 1
    found = api.call("tasks.get_by_id", task=task)["task"]
    assert found["status"] == "created"
    assert found["execution"]["queue"] == queue
    assert api.call("queues.get_num_entries", queue=queue)["num"] == 0
    assert api.call("tasks.dequeue", task=task) == {"dequeued": 0, "updated": 0, "fields": {}}


def test_what_an_agent_does(api):
    """The calls of the agent for one task, in its order."""
    task, queue = api.task(), api.queue()
    api.call("tasks.enqueue", task=task, queue=queue)
    entry = api.call("queues.get_next_task", queue=queue, get_task_info=True)
    assert entry["entry"]["task"] == task
    assert isinstance(entry["task_info"]["company"], str)
    assert api.status(task) == "queued"
    assert api.call("queues.get_next_task", queue=queue) == {}
    api.call("tasks.started", task=task, force=True, status_message="pulled by agent")
    started = api.call("tasks.get_by_id", task=task)["task"]["started"]
    assert api.call("tasks.dequeue", task=task, new_status="in_progress")["updated"] == 1
    api.call("tasks.started", task=task, force=True, status_reason="starting execution soon")
    assert api.call("tasks.get_by_id", task=task)["task"]["started"] == started
    api.call("tasks.completed", task=task, status_reason="worker execution done")
    done = api.call("tasks.get_by_id", task=task)["task"]
    assert done["status_reason"] == "worker execution done"
    assert done["completed"] >= started


def test_stop_is_asked_of_a_live_worker(api):
    task = reach(api, "in_progress")
    api.call("workers.status_report", worker="stopper:1", timestamp=1, task=task)
    api.call("tasks.stop", task=task)
    found = api.call("tasks.get_by_id", task=task)["task"]
    assert (found["status"], found["status_message"]) == ("in_progress", "stopping")
    # The worker's own notes that it starts do not undo the request.
    api.call("tasks.started", task=task, force=True, status_message="launch by agent")
    assert api.call("tasks.get_by_id", task=task)["task"]["status_message"] == "stopping"
    api.call("tasks.stopped", task=task)
    assert api.status(task) == "stopped"


def test_stop_of_a_development_run_is_immediate(api):
    task = reach(api, "in_progress", system_tags=["development"])
    api.call("workers.status_report", worker="stopper:2", timestamp=1, task=task)
    api.call("tasks.stop", task=task)
    assert api.status(task) == "stopped"


def test_reset_removes_what_the_run_made(api):
    task = reach(api, "in_progress")
    api.call(
        "tasks.add_or_update_artifacts",
        task=task,
        force=True,
        artifacts=[
            {"key": "in", "type": "dict", "mode": "input"},
            {"key": "out", "type": "dict"},
        ],
    )
    api.call("events.add", task=task, type="log", msg="hello")
    api.call(
        "events.add",
        task=task,
        type="training_stats_scalar",
        metric="m",
        variant="v",
        iter=7,
        value=1.0,
    )
    model = api.call("models.create", name="a model", uri="file:///m", task=task)["id"]
    api.call("tasks.add_or_update_model", task=task, name="m", model=model, type="output")
    assert api.call("tasks.get_by_id", task=task)["task"]["last_iteration"] == 7
    answer = api.call("tasks.reset", task=task)
    assert answer["events"]["deleted"] == 2
    assert answer["deleted_models"] == 1
    found = api.call("tasks.get_by_id", task=task)["task"]
    assert [item["key"] for item in found["execution"]["artifacts"]] == ["in"]
    assert found["models"]["output"] == []
    assert found["last_iteration"] == 0
    assert "started" not in found
    assert api.call("events.get_task_log", task=task)["total"] == 0


def test_force_reopens_what_is_published_by_reset_only(api):
    task = reach(api, "published")
    assert api.refused("tasks.completed", task=task, force=True) == (400, 110)
    assert api.refused("tasks.started", task=task, force=True) == (400, 110)
    api.call("tasks.reset", task=task, force=True)
    assert api.status(task) == "created"


def test_completed_may_publish(api):
    task = reach(api, "in_progress")
    assert api.call("tasks.completed", task=task, publish=True)["published"] == 1
    assert api.status(task) == "published"


def test_unknown_task(api):
    for action in ("started", "stop", "reset", "get_by_id", "clone", "delete", "edit", "ping"):
        assert api.refused(f"tasks.{action}", task="0" * 32) == (400, 101), action


def test_bulk_changes_succeed_and_fail_one_by_one(api):
    queue, good, bad = api.queue(), api.task(), reach(api, "completed")
    answer = api.call("tasks.enqueue_many", ids=[good, bad, "nothing"], queue=queue)
    assert [item["id"] for item in answer["succeeded"]] == [good]
    assert [item["error"]["codes"] for item in answer["failed"]] == [[400, 110], [400, 101]]
    assert api.call("queues.get_num_entries", queue=queue)["num"] == 1
