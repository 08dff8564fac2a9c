"""Workers: who is there, what they do, and how one is told to rest."""

from __future__ import annotations


def test_a_worker_comes_works_and_goes(api):
    queue, task = api.queue(), api.task("worked on")
    api.call("workers.register", worker="node:1", queues=[queue])
    api.call("tasks.enqueue", task=api.task("waiting"), queue=queue)
    report = {
        "worker": "node:1",
        "timestamp": 1795426097000,
        "queues": [queue],
        "tags": None,
        "machine_stats": {"cpu_usage": [1.5]},
    }
    api.call("tasks.started", task=task)
    api.call("workers.status_report", **report, task=task, queue=queue)
    (worker,) = [
        w for w in api.call("workers.get_all", last_seen=90)["workers"] if w["id"] == "node:1"
    ]
    assert worker["task"]["name"] == "worked on"
    assert worker["queue"]["id"] == queue
    assert worker["queues"][0]["num_tasks"] == 1
    assert worker["queues"][0]["next_task"]["name"] == "waiting"
    found = api.call("tasks.get_by_id", task=task)["task"]
    assert found["last_worker"] == "node:1"
    assert found["last_worker_report"]
    watched = api.call("tasks.enqueue", task=api.task(), queue=queue, verify_watched_queue=True)
    assert watched["queue_watched"] is True
    api.call("workers.status_report", **report)
    (worker,) = api.call("workers.get_all", worker_pattern="node:*")["workers"]
    assert "task" not in worker
    api.call("workers.unregister", worker="node:1")
    assert api.refused("workers.unregister", worker="node:1")[0] == 400
    assert not api.call("workers.get_all", worker_pattern="node:*")["workers"]


def test_unknown_queue(api):
    assert api.refused("workers.register", worker="node:2", queues=["x"]) == (400, 701)


def test_a_worker_that_reports_without_registering_is_taken_in(api):
    """A server whose data was lost gets its workers back."""
    api.call("workers.status_report", worker="node:3", timestamp=1, queues=[])
    assert api.call("workers.get_all", worker_pattern="node:3")["workers"]


def test_tags(api):
    api.call("workers.register", worker="tagged:1", tags=["gpu"])
    for tags, count in ((["gpu"], 1), (["-gpu"], 0), (["cpu"], 0)):
        found = api.call("workers.get_all", worker_pattern="tagged:*", tags=tags)["workers"]
        assert len(found) == count


def test_runtime_properties(api):
    """An agent reads `force` before it pulls, and pulls nothing while it is off."""
    asked = {"worker": "node:4"}
    assert api.call("workers.get_runtime_properties", **asked) == {"runtime_properties": []}
    api.call(
        "workers.set_runtime_properties",
        **asked,
        runtime_properties=[{"key": "force", "value": "off"}],
    )
    found = api.call("workers.get_runtime_properties", **asked)["runtime_properties"]
    assert found == [{"key": "force", "value": "off", "expiry": None}]
    api.call(
        "workers.set_runtime_properties",
        **asked,
        runtime_properties=[{"key": "force", "value": "on", "expiry": 60}],
    )
    found = api.call("workers.get_runtime_properties", **asked)["runtime_properties"]
    assert (found[0]["value"], 55 <= found[0]["expiry"] <= 60) == ("on", True)


def test_tags_stay_when_a_report_has_none_and_go_with_a_new_registration(api):
    def tags():
        (worker,) = api.call("workers.get_all", worker_pattern="slot:1")["workers"]
        return worker["tags"]

    queues = [api.queue(), api.queue()]
    api.call("workers.register", worker="slot:1", queues=queues)
    assert tags() == []
    said = ["image:sha256:0", "group:cpu_nodes"]
    api.call("workers.status_report", worker="slot:1", timestamp=1, tags=said, queues=queues)
    api.call("workers.status_report", worker="slot:1", timestamp=2, tags=None, queues=queues)
    assert tags() == said
    api.call("workers.register", worker="slot:1", queues=queues)
    assert tags() == []


def test_queues_of_a_worker_are_listed_in_the_order_that_it_polls_them(api):
    queues = [api.queue(), api.queue(), api.queue()]
    for order in (queues, queues[::-1]):
        api.call("workers.status_report", worker="slot:2", timestamp=1, queues=order)
        (worker,) = api.call("workers.get_all", worker_pattern="slot:2")["workers"]
        assert [queue["id"] for queue in worker["queues"]] == order
