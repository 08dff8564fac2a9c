import pytest

from fleet.clearml_api import ApiError
from fleet.prune import Stray, prune_queues
from fleet.queues import is_default


class Server:
    """Stands for the connection: queues with their waiting tasks, workers with their queues."""

    url = "http://server"

    def __init__(self, queues, workers=None):
        self.there = dict(queues)
        self.workers = workers or {}
        self.deleted = []
        self.refusal = None

    def queues(self):
        return [
            {"id": f"id-{name}", "name": name, "entries": [{"task": "t"}] * waiting}
            for name, waiting in self.there.items()
        ]

    def call(self, endpoint, **body):
        if endpoint == "workers.get_all":
            return {
                "workers": [
                    {"id": worker, "queues": [{"name": name} for name in names]}
                    for worker, names in self.workers.items()
                ]
            }
        assert endpoint == "queues.delete"
        assert "force" not in body
        if self.refusal:
            raise ApiError(endpoint, *self.refusal, "no", self.url)
        self.deleted.append(body["queue"])
        return {"deleted": 1}


def test_without_prune_strays_are_told_and_stay():
    server = Server({"work": 0, "stray": 0})

    (stray,) = prune_queues(server, ["work"])

    assert stray == Stray("stray", removed=False, reason="empty, nobody polls it")
    assert server.deleted == []


def test_an_empty_queue_that_nobody_polls_goes():
    server = Server({"work": 0, "stray": 0, "another": 0}, {"cpu-1:0": ["work"]})

    assert prune_queues(server, ["work"], remove=True) == [
        Stray("another", removed=True),
        Stray("stray", removed=True),
    ]
    assert server.deleted == ["id-another", "id-stray"]


def test_one_that_is_in_use_stays_and_is_told_with_the_reason():
    server = Server({"full": 2, "one": 1, "polled": 0}, {"laptop": ["polled"], "pc": ["polled"]})

    found = prune_queues(server, [], remove=True)

    assert [(stray.name, stray.reason) for stray in found] == [
        ("full", "2 tasks waiting, nobody polls it"),
        ("one", "1 task waiting, nobody polls it"),
        ("polled", "empty, polled by laptop, pc"),
    ]
    assert server.deleted == []


def test_unmanaged_queues_are_neither_told_nor_touched():
    server = Server({"team-b-gpu": 0, "default": 0, "stray": 0})

    found = prune_queues(server, [], unmanaged=["team-b-*", "default"], remove=True)

    assert [stray.name for stray in found] == ["stray"]
    assert server.deleted == ["id-stray"]


def test_the_servers_own_default_queue_is_neither_told_nor_touched():
    server = Server({"default": 0, "stray": 0})

    found = prune_queues(server, [], remove=True)

    assert [stray.name for stray in found] == ["stray"]
    assert server.deleted == ["id-stray"]


@pytest.mark.parametrize(
    ("queue", "expected"),
    [
        ({"name": "default"}, True),
        ({"name": "default", "system_tags": []}, True),
        ({"name": "renamed", "system_tags": ["default"]}, True),
        ({"name": "defaults", "system_tags": None}, False),
        ({"name": "Default", "system_tags": ["k8s-glue"]}, False),
    ],
)
def test_the_default_queue_is_known_by_its_name_or_its_mark(queue, expected):
    assert is_default(queue) is expected


def test_a_dry_run_removes_nothing():
    server = Server({"stray": 0})

    assert prune_queues(server, [], remove=True, dry_run=True) == [Stray("stray", removed=True)]
    assert server.deleted == []


def test_a_queue_that_got_a_task_since_stays():
    server = Server({"stray": 0})
    server.refusal = (400, 702)

    (stray,) = prune_queues(server, [], remove=True)

    assert not stray.removed
    assert "just got a task" in stray.reason


def test_one_that_another_command_removed_is_no_error():
    server = Server({"stray": 0})
    server.refusal = (400, 701)

    assert prune_queues(server, [], remove=True) == []


def test_another_refusal_is_told():
    server = Server({"stray": 0})
    server.refusal = (403, 20)

    with pytest.raises(ApiError, match="refused"):
        prune_queues(server, [], remove=True)
