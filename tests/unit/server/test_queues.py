"""Queues: order, moves, removal; and that each task is given out once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture
def filled(api):
    """A queue with three tasks."""
    queue = api.queue()
    tasks = [api.task(f"task {number}") for number in range(3)]
    for task in tasks:
        api.call("tasks.enqueue", task=task, queue=queue)
    return queue, tasks


def order(api, queue: str) -> list[str]:
    entries = api.call("queues.get_by_id", queue=queue)["queue"]["entries"]
    return [entry["task"] for entry in entries]


def test_names(api):
    queue = api.call("queues.create", name="only one")["id"]
    assert api.refused("queues.create", name="only one") == (400, 801)
    assert api.refused("queues.create", name="ab") == (400, 800)
    assert api.refused("queues.get_by_id", queue="only one") == (400, 701)
    found = api.call("queues.get_all", name="^only\\ one$", only_fields=["id"])["queues"]
    assert found == [{"id": queue}]
    api.call("queues.update", queue=queue, name="renamed", tags=["force_workers:off"])
    found = api.call("queues.get_all", id=[queue], only_fields=["id", "tags"])["queues"]
    assert found == [{"id": queue, "tags": ["force_workers:off"]}]


def test_first_in_first_out(api, filled):
    queue, tasks = filled
    assert order(api, queue) == tasks
    popped = [api.call("queues.get_next_task", queue=queue)["entry"]["task"] for _ in tasks]
    assert popped == tasks
    assert api.call("queues.get_next_task", queue=queue) == {}


@pytest.mark.parametrize(
    ("action", "index", "count", "position", "expected"),
    [
        ("to_front", 2, None, 0, [2, 0, 1]),
        ("to_back", 0, None, 2, [1, 2, 0]),
        ("forward", 2, 1, 1, [0, 2, 1]),
        ("forward", 2, 9, 0, [2, 0, 1]),
        ("backward", 0, 1, 1, [1, 0, 2]),
        ("backward", 0, 9, 2, [1, 2, 0]),
    ],
)
def test_moves(api, filled, action, index, count, position, expected):
    queue, tasks = filled
    data = {"queue": queue, "task": tasks[index], **({"count": count} if count else {})}
    assert api.call(f"queues.move_task_{action}", **data)["position"] == position
    assert order(api, queue) == [tasks[number] for number in expected]


def test_moves_of_what_is_not_there(api, filled):
    queue, _ = filled
    data = {"queue": queue, "task": api.task()}
    assert api.refused("queues.move_task_to_front", **data) == (400, 703)
    assert api.refused("queues.remove_task", **data) == (400, 703)


def test_remove_task(api, filled):
    queue, tasks = filled
    api.call("queues.remove_task", queue=queue, task=tasks[0])
    assert api.status(tasks[0]) == "queued"
    api.call("queues.remove_task", queue=queue, task=tasks[1], update_task_status=True)
    assert api.status(tasks[1]) == "created"
    assert order(api, queue) == tasks[2:]


def test_delete(api, filled):
    queue, tasks = filled
    assert api.refused("queues.delete", queue=queue) == (400, 702)
    api.call("queues.delete", queue=queue, force=True)
    found = api.call("tasks.get_by_id", task=tasks[0])["task"]
    assert found["status"] == "created"
    assert "deleted" in found["status_reason"]
    assert api.refused("queues.get_next_task", queue=queue) == (400, 701)


def test_deleted_tasks_are_not_given_out(api, filled):
    queue, tasks = filled
    api.call("tasks.delete", task=tasks[0], force=True)
    assert order(api, queue) == tasks[1:]
    assert api.call("queues.get_next_task", queue=queue)["entry"]["task"] == tasks[1]


def test_metadata_and_entries(api, filled):
    queue, tasks = filled
    item = {"key": "k", "type": "str", "value": "v"}
    api.call("queues.add_or_update_metadata", queue=queue, metadata=[item])
    found = api.call("queues.get_all", id=[queue], max_task_entries=1)["queues"][0]
    assert found["metadata"] == {"k": item}
    assert [entry["task"] for entry in found["entries"]] == tasks[:1]
    api.call("queues.delete_metadata", queue=queue, keys=["k"])
    assert api.call("queues.get_by_id", queue=queue)["queue"]["metadata"] == {}


def test_each_task_is_given_out_once(api, server, connect):
    queue = api.queue()
    tasks = {api.task() for _ in range(60)}
    api.call("tasks.enqueue_many", ids=list(tasks), queue=queue)

    def pull(_: int) -> list[str]:
        client, pulled = connect(server), []
        while entry := client.call("queues.get_next_task", queue=queue).get("entry"):
            pulled.append(entry["task"])
        return pulled

    with ThreadPoolExecutor(8) as pool:
        pulled = [task for part in pool.map(pull, range(8)) for task in part]
    assert len(pulled) == len(tasks)
    assert set(pulled) == tasks
