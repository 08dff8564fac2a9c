import pytest
from fleet_agent.queues import QueuesGone, read_queues

ANSWER = [
    {"id": "b", "name": "cpu-train", "tags": ["force_workers:off"], "entries": []},
    {"id": "a", "name": "cpu-infer", "entries": [{"task": "t1"}]},
]


def test_a_queue_with_an_entry_has_something_waiting():
    queues = read_queues(ANSWER, ["a", "b"])

    assert [queues[queue]["waiting"] for queue in ("a", "b")] == [True, False]


def test_tags_are_kept_because_they_may_pause_the_workers():
    queues = read_queues(ANSWER, ["a", "b"])

    assert [queues[queue]["tags"] for queue in ("a", "b")] == [[], ["force_workers:off"]]


def test_a_queue_that_the_server_forgot_is_named():
    with pytest.raises(QueuesGone, match="c"):
        read_queues(ANSWER, ["a", "c"])


def test_the_loops_own_handler_of_errors_does_not_catch_it():
    assert not issubclass(QueuesGone, Exception)
