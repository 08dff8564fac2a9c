"""What benchmarks tell, with stubs of what they measure."""

from __future__ import annotations

import contextlib
import threading
from types import SimpleNamespace

import pytest

from tests.bench import bench_site, bench_start_latency, bench_upgrade


@pytest.fixture
def latency(monkeypatch, tmp_path):
    """The benchmark of starts without agents; how often each of them was given a task."""
    runs = {"ours": 0, "stock": 0}

    def one(_remote, who, _code):
        runs[who] += 1
        factor = 1 if who == "ours" else 10
        return {"start": 2.0 * factor, "ready": 2.5 * factor, "done": 3.0 * factor}

    def nothing(*_arguments, **_options):
        return contextlib.nullcontext(SimpleNamespace(call=lambda *_, **__: None))

    for name in ("server", "step_code", "our_agent", "stock_agent"):
        monkeypatch.setattr(bench_start_latency, name, nothing)
    monkeypatch.setattr(
        bench_start_latency, "temporary_folder", lambda: contextlib.nullcontext(str(tmp_path))
    )
    images = dict.fromkeys(("agent", "cpu"), SimpleNamespace(image_id="x"))
    monkeypatch.setattr(bench_start_latency, "build", lambda *_, **__: images)
    monkeypatch.setattr(bench_start_latency, "_one", one)
    monkeypatch.setattr(bench_start_latency, "_floor", lambda _image: 1.5)
    monkeypatch.setattr(bench_start_latency.time, "sleep", lambda _seconds: None)
    return runs


def test_starts_are_medians_of_enough_warm_runs_beside_the_floor(latency):
    figures = bench_start_latency.run(lambda _line: None)

    wanted = {"ours_start_s": 2, "ours_done_s": 3, "stock_start_s": 20, "stock_done_s": 30}
    assert wanted.items() <= figures.items()
    assert (figures["floor_s"], figures["ours_done_to_floor"]) == (1.5, 2)
    assert (figures["stock_to_ours_start"], figures["stock_to_ours_done"]) == (10, 10)
    # The first of each is cold.
    assert latency["ours"] - 1 >= 10
    assert latency["stock"] - 1 >= 3


def test_playbooks_are_compared_at_each_size_by_time_and_tasks(monkeypatch, tmp_path):
    asked = []

    def play(_folder, playbook):
        asked.append(playbook)
        return {"match": 1.0, "forced": 3.0, "plain": 5.0}[playbook], {
            "tasks": {"a": 2, "b": 4},
            "items": {"a": 0},
        }

    monkeypatch.setattr(bench_site, "_play", play)
    figures = bench_site._compare(tmp_path, 2, 2, lambda _line: None)

    assert set(bench_site.ROUNDS) == {3, 20, 50}
    assert sorted(asked) == ["forced"] * 2 + ["match"] * 2 + ["plain"] * 2
    for playbook in ("match", "forced", "plain"):
        assert figures[f"{playbook}_2_s"] > 0
        assert (figures[f"{playbook}_2_tasks_mean"], figures[f"{playbook}_2_tasks_most"]) == (3, 4)
    assert (figures["forced_to_match_2"], figures["plain_to_match_2"]) == (3, 5)


class Agents:
    """Stands for a server: at each look, the queues that have an agent, and whether it rests."""

    def __init__(self, *looks):
        self.looks = list(looks)
        self.over = threading.Event()

    def call(self, _endpoint):
        tags, queues = self.looks.pop(0)
        if not self.looks:
            self.over.set()
        return {"workers": [{"tags": tags, "queues": [{"name": name} for name in queues]}]}


def watched(monkeypatch, *looks):
    monkeypatch.setattr(bench_upgrade, "SAMPLE_SECONDS", 0.001)
    agents = Agents(*looks)
    watch = bench_upgrade.Watch(agents, ("q",))
    watch.run(agents.over)
    return watch


@pytest.mark.parametrize("gone", [1, 2])
def test_a_queue_that_one_look_finds_alone_was_alone(monkeypatch, gone):
    there, alone = ([], ["q"]), ([], [])
    watch = watched(monkeypatch, there, *[alone] * gone, there)

    assert watch.no_agent["q"] > 0
    assert watched(monkeypatch, there, there, there).no_agent == {"q": 0}


def test_an_agent_that_takes_nothing_counts_as_one_and_not_as_one_that_takes(monkeypatch):
    there, drains = ([], ["q"]), (["state:draining"], ["q"])
    watch = watched(monkeypatch, there, drains, drains, there)

    assert watch.no_agent == {"q": 0}
    assert watch.no_taker["q"] > 0


class Tasks:
    """Stands for a server: at each look, the statuses of the tasks that were sent."""

    def __init__(self, *looks):
        self.looks = list(looks)

    def call(self, endpoint, **_data):
        if endpoint != "tasks.get_all":
            return {"events": []}
        found = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return {"tasks": [{"status": status} for status in found]}


@pytest.mark.parametrize(
    ("looks", "lost"),
    [
        ([["queued", "in_progress"], ["completed", "queued"], ["completed", "completed"]], 0),
        ([["completed", "in_progress"]], 1),
    ],
)
def test_tasks_are_waited_for_as_long_as_any_ends(monkeypatch, looks, lost):
    monkeypatch.setattr(bench_upgrade.time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(bench_upgrade, "DRAIN_SECONDS", 0.2)
    load = bench_upgrade.Load(Tasks(*looks), {})
    load._tasks = ["one", "two"]

    found = load.settle()

    assert (found["tasks"], found["tasks_lost"]) == (2, lost)
    assert found["tasks_completed"] == 2 - lost
