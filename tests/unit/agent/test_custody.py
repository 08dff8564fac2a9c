import errno
import time

import pytest
from fleet_agent import custody as module
from fleet_agent import in_hand, orphans
from fleet_agent.custody import Custody
from fleet_agent.engine import ContainerState
from fleet_agent.in_hand import Records
from fleet_agent.put_back import Refused


class Server:
    """Gives every task the same status, and notes what it is asked."""

    def __init__(self):
        self.status, self.asked, self.is_away = "in_progress", [], False

    def __call__(self, endpoint, **data):
        if self.is_away:
            raise Refused("away")
        self.asked.append(endpoint)
        task = {"status": self.status, "last_worker": "me:0"}
        return {"tasks": [task], "queues": []}


@pytest.fixture
def server():
    return Server()


class Containers(dict):
    """Name → whether it can be removed; and in `states`, what the engine says of it."""


@pytest.fixture
def containers(monkeypatch):
    """Containers that can be removed, or not."""
    there, states = Containers(), {}
    monkeypatch.setattr(module, "remove_container", lambda name: there.get(name, True))
    monkeypatch.setattr(module, "read_container", lambda name: states.get(name))
    there.states = states
    return there


@pytest.fixture
def custody(tmp_path, server, containers, alarm):
    return Custody(Records(tmp_path), server, lambda task, text: None)


def records(tmp_path):
    return list((tmp_path / "in-hand").glob("*.json"))


def watch(custody, task="t1", tick=lambda: None):
    words = ["docker", "run", "--name", f"c-{task}", "image"]
    return custody.watch(task, words, tick, lambda client: None)


def full(monkeypatch):
    def write(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(in_hand, "write_json", write)


def test_a_settled_task_leaves_nothing(custody, tmp_path):
    custody.begin("t1", "q")
    watch(custody)
    custody.settle("t1")
    assert (custody.tasks, records(tmp_path)) == ([], [])


def test_a_container_that_cannot_be_removed_is_not_forgotten(custody, tmp_path, containers, server):
    custody.begin("t1", "q")
    watch(custody)
    containers["c-t1"] = False
    custody.settle("t1")
    assert len(records(tmp_path)) == 1

    assert list(custody.left_behind()) == []
    assert len(records(tmp_path)) == 1
    containers["c-t1"] = True
    assert list(custody.left_behind()) == []
    assert records(tmp_path) == []
    assert server.asked == []


def test_what_is_left_of_an_earlier_run_is_not_taken_for_the_run_of_now(
    custody, tmp_path, containers
):
    custody.begin("t1", "q")
    custody.let_be("t1")
    custody.begin("t1", "q")
    assert list(custody.left_behind()) == []
    assert custody.tasks == ["t1"]
    assert len(records(tmp_path)) == 1


def test_a_put_back_that_is_not_done_is_left_with_how_far_it_got(custody, server):
    custody.begin("t1", "q")
    server.is_away = True
    assert not custody.give_back("t1", "why", "me:0", is_lost=True)
    assert custody.tasks == []

    (held,) = custody.left_behind()
    assert (held.put_back, held.is_lost, held.is_counted) == ("why", True, False)
    server.is_away = False
    assert custody.give_back("t1", held.put_back, "me:0")
    assert server.asked[1] == "tasks.edit_hyper_params"
    assert held.is_counted
    assert held.is_withdrawn


def test_a_task_that_is_not_in_hand_is_not_given_back(custody, server):
    assert not custody.give_back("t1", "why", "me:0")
    assert server.asked == []


def test_a_task_that_could_not_be_written_down_is_in_hand_all_the_same(
    custody, server, monkeypatch
):
    full(monkeypatch)
    with pytest.raises(OSError, match="No space"):
        custody.begin("t1", "q")
    server.is_away = True
    assert not custody.give_back("t1", "why", "me:0")

    server.is_away = False
    (held,) = custody.left_behind()
    assert (held.task, held.queue) == ("t1", "q")
    assert custody.give_back("t1", held.put_back, "me:0")
    assert "tasks.enqueue" in server.asked


def test_the_look_at_a_task_harms_nothing(custody, monkeypatch, capsys):
    def tick():
        raise OSError("the state could not be said")

    class Process:
        printed = 0

        def forwarded(self):
            self.printed += 1
            return self.printed

    custody.begin("t1", "q")
    command = watch(custody, tick=tick)
    command.process = Process()
    full(monkeypatch)
    command._tick()
    command._tick()
    said = capsys.readouterr().out
    assert said.count("the state could not be said") == 1
    assert "No space left" in said


def test_a_container_whose_name_cannot_be_written_down_is_not_begun(custody, monkeypatch):
    custody.begin("t1", "q")
    full(monkeypatch)
    with pytest.raises(OSError, match="No space"):
        watch(custody)
    assert custody.is_unstarted("t1")


@pytest.fixture
def other(tmp_path, server, containers):
    """Another agent of the slot, with a run of the task."""
    found = Custody(Records(tmp_path), server, lambda task, text: None)
    found.begin("t1", "q")
    watch(found)
    return found


class Clock:
    """Time that passes while one sleeps, in which others may do something."""

    def __init__(self, does=lambda: None):
        self.now, self.does = 0.0, does
        self.strftime, self.gmtime = time.strftime, time.gmtime

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        self.does()


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr(module, "time", found)
    return found


def test_a_run_of_another_agent_is_ended_by_that_agent(custody, other, tmp_path, clock):
    custody.begin("t1", "q")
    assert not other.is_unwanted("t1")
    clock.does = lambda: other.is_unwanted("t1") and other.settle("t1")

    assert custody.end_others("t1")
    assert (custody.tasks, other.tasks) == (["t1"], [])
    assert not custody.is_unwanted("t1")
    custody.settle("t1")
    assert list((tmp_path / "in-hand").iterdir()) == []


def test_a_run_of_an_agent_that_is_gone_is_ended_by_the_one_that_finds_it(custody, other, tmp_path):
    other.let_be("t1")

    assert custody.end_others("t1")
    assert records(tmp_path) == []


def test_an_agent_that_does_not_end_its_run_loses_the_container(custody, other, clock, monkeypatch):
    taken_away = []
    monkeypatch.setattr(module, "remove_container", lambda name: taken_away.append(name) or True)
    clock.does = lambda: taken_away and other.settle("t1")

    assert custody.end_others("t1")
    assert taken_away[0] == "c-t1"
    assert module.END_SECONDS < clock.now < 2 * module.END_SECONDS


def test_a_run_that_nobody_can_end_is_told_before_others_take_the_task_for_lost(
    custody, other, clock
):
    custody.begin("t1", "q")

    assert not custody.end_others("t1")
    assert clock.now < orphans.SECONDS
    assert other.is_unwanted("t1")


@pytest.mark.parametrize(("status", "is_over"), [("running", False), ("dead", True)])
def test_a_container_that_cannot_be_removed_counts_while_it_runs(
    custody, other, containers, clock, status, is_over
):
    containers["c-t1"] = False
    containers.states["c-t1"] = ContainerState(status)
    other.let_be("t1")

    assert custody.end_others("t1") is is_over


def test_a_task_that_has_one_run_is_begun_at_once(custody, clock):
    custody.begin("t1", "q")

    assert custody.end_others("t1")
    assert custody.end_others("t2")
    assert clock.now == 0
