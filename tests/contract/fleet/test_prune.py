"""Queues are pruned on the embedded server, by the real SDK's session."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from fleet.prune import prune_queues


@pytest.fixture
def queue(api):
    """Creates queues; what is left of them is removed at the end."""
    made = []

    def create(name):
        made.append(name)
        return api.call("queues.create", name=name)["id"]

    yield create
    for there in api.queues():
        if there["name"] in made:
            api.call("queues.delete", queue=there["id"], force=True)


def names(api):
    return {there["name"] for there in api.queues()}


@pytest.fixture
def others(api):
    """What is on the server and none of these tests' business."""
    return sorted(names(api))


def test_only_strays_that_are_not_in_use_go(api, others, queue):
    queue("stray-empty")
    queue("team-b-own")
    full = queue("stray-full")
    polled = queue("stray-polled")
    task = api.call("tasks.create", name="waits", type="training")["id"]
    api.call("tasks.enqueue", task=task, queue=full)
    api.call("workers.register", worker="laptop", queues=[polled], timeout=600)

    found = prune_queues(api, others, unmanaged=["team-b-*"], remove=True)

    assert {stray.name: stray.removed for stray in found} == {
        "stray-empty": True,
        "stray-full": False,
        "stray-polled": False,
    }
    assert "stray-empty" not in names(api)
    assert {"stray-full", "stray-polled", "team-b-own"} <= names(api)
    api.call("workers.unregister", worker="laptop")
    api.call("tasks.delete", task=task, force=True)


def test_a_queue_that_gets_a_task_between_look_and_removal_keeps_it(api, others, queue):
    late = queue("stray-late")
    task = api.call("tasks.create", name="late", type="training")["id"]

    class Slow:
        """The server, with somebody who enqueues right before a queue is removed."""

        url = api.url

        def queues(self):
            return api.queues()

        def call(self, endpoint, **body):
            if endpoint == "queues.delete":
                api.call("tasks.enqueue", task=task, queue=late)
            return api.call(endpoint, **body)

    (stray,) = prune_queues(Slow(), others, remove=True)

    assert (stray.name, stray.removed) == ("stray-late", False)
    assert api.call("tasks.get_by_id", task=task)["task"]["status"] == "queued"
    api.call("tasks.delete", task=task, force=True)


def test_two_who_prune_at_once_do_not_fail(api, others, queue):
    for number in range(8):
        queue(f"stray-{number}")

    with ThreadPoolExecutor(max_workers=2) as pool:
        both = [pool.submit(prune_queues, api, others, remove=True) for _ in range(2)]
        found = [stray for one in both for stray in one.result(30)]

    assert not {name for name in names(api) if name.startswith("stray-")}
    assert all(stray.removed for stray in found)
    assert len(found) >= 8
