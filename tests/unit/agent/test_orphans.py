import pytest
from fleet_agent import orphans as module
from fleet_agent.orphans import SECONDS, Orphans


class Server:
    def __init__(self):
        self.tasks, self.entries, self.asked = {}, [], []

    def add(self, task, queue="q", changed="1"):
        execution = {"queue": queue}
        self.tasks[task] = {"id": task, "execution": execution, "status_changed": changed}

    def __call__(self, endpoint, **data):
        self.asked.append(endpoint)
        if endpoint == "queues.get_all":
            return {"queues": [{"id": "q", "entries": [{"task": task} for task in self.entries]}]}
        begin = data["page"] * data["page_size"]
        return {"tasks": list(self.tasks.values())[begin : begin + data["page_size"]]}


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def later(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])

    def go_on(seconds=SECONDS):
        now[0] += seconds

    return go_on


def test_what_is_in_no_queue_for_long_is_an_orphan(server, later):
    server.add("t1")
    server.add("waits")
    server.entries = ["waits"]
    server.add("elsewhere", queue="of others")
    orphans = Orphans(server)
    assert orphans.look(["q"]) == []
    later(SECONDS - 1)
    assert orphans.look(["q"]) == []
    later(1)
    assert orphans.look(["q"]) == [("t1", "q")]
    assert orphans.look(["q"]) == []


def test_what_an_agent_was_just_about_to_start_is_none(server, later):
    server.add("started")
    server.add("enqueued anew")
    orphans = Orphans(server)
    orphans.look(["q"])
    later()
    del server.tasks["started"]
    server.add("enqueued anew", changed="2")
    assert orphans.look(["q"]) == []


def test_where_there_is_none_the_server_is_asked_but_once(server, later):
    orphans = Orphans(server)
    orphans.look(["q"])
    later()
    orphans.look(["q"])
    assert server.asked == ["tasks.get_all"]


def test_no_task_is_too_many_for_it(server, later):
    for number in range(1001):
        server.add(f"t{number}")
    server.entries = [f"t{number}" for number in range(1000)]
    orphans = Orphans(server)
    orphans.look(["q"])
    later()
    assert orphans.look(["q"]) == [("t1000", "q")]


def test_a_look_that_failed_is_taken_again_later(server, later):
    server.add("t1")
    orphans = Orphans(server)
    whole, server.tasks = server.tasks, None
    with pytest.raises(AttributeError):
        orphans.look(["q"])
    server.tasks = whole
    assert orphans.look(["q"]) == []
    assert server.asked == ["tasks.get_all"]
    later()
    assert orphans.look(["q"]) == []
    later()
    assert orphans.look(["q"]) == [("t1", "q")]
