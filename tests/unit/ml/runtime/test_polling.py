"""The controller asks once for all steps, and sends its picture now and then."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from clearml import PipelineController
from clearml.automation.job import BaseJob

from ml.runtime import polling
from ml.runtime.polling import FrugalController
from ml.runtime.server import Progress

Node = PipelineController.Node


class Job(BaseJob):
    """A step's job whose own look at the server is an error."""

    def __init__(self, task_id: str) -> None:
        super().__init__()
        self.task = SimpleNamespace(
            id=task_id, data=SimpleNamespace(status_message="", started=None)
        )

    def status(self, force=False):
        assert self._last_status, "a step was asked for by itself"
        assert self._last_status_ts == float("inf"), "the SDK would ask for this step by itself"
        return self._last_status


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(
        polling, "time", SimpleNamespace(monotonic=lambda: now.seconds, time=lambda: now.seconds)
    )
    return now


@pytest.fixture
def made(monkeypatch, clock):
    """A controller of so many running steps; `asked` and `sent` tell what it did."""
    seen: dict[str, Progress] = {}
    asked, sent = [], []
    deleted: set[str] = set()

    def progress(_server, ids):
        asked.append(ids)
        running = Progress("in_progress", "", 990.0, None)
        return {one: seen.get(one, running) for one in ids if one not in deleted}

    def make(steps):
        monkeypatch.setattr(PipelineController, "__init__", lambda self: None)
        monkeypatch.setattr(polling.Server, "progress", progress)
        pipeline = FrugalController(labels={"s0": ("training", "ridge")})
        logger = SimpleNamespace(
            report_plotly=lambda *given, **_: sent.append(("picture", given[2])),
            report_table=lambda *_, table_plot, **__: sent.append(("table", table_plot)),
        )
        pipeline._task = SimpleNamespace(
            id="c",
            session=None,
            get_logger=lambda: logger,
            set_progress=lambda percent: sent.append(("progress", percent)),
            get_output_log_web_page=lambda: "http://web/c/log",
        )
        pipeline._force_task_configuration_update = lambda: sent.append(("plan", None))
        pipeline._status_change_callbacks = {}
        pipeline._nodes = {}
        for i in range(steps):
            node = Node(name=f"s{i}")
            node.job = Job(f"t{i}")
            node.job_started = 1.0
            pipeline._nodes[node.name] = node
        return pipeline

    make.seen, make.asked, make.sent, make.deleted = seen, asked, sent, deleted
    return make


def kinds(sent):
    return [kind for kind, _ in sent]


def test_a_poll_is_one_request_for_all_steps(made, clock):
    pipeline = made(50)
    pipeline._update_nodes_status()
    assert [len(ids) for ids in made.asked] == [50]
    pipeline._update_nodes_status()  # within the same poll
    assert len(made.asked) == 1
    clock.seconds += 1
    pipeline._update_nodes_status()
    assert len(made.asked) == 2
    assert {node.status for node in pipeline._nodes.values()} == {"running"}


def test_a_step_that_has_ended_is_not_asked_for_again(made, clock):
    pipeline = made(3)
    made.seen["t1"] = Progress("completed", "", 990.0, 995.0)
    pipeline._update_nodes_status()
    clock.seconds += 1
    pipeline._update_nodes_status()
    assert made.asked[-1] == ["t0", "t2"]
    assert pipeline._nodes["s1"].status == "completed"


def test_a_step_that_was_deleted_has_ended(made, clock, capsys):
    pipeline = made(2)
    pipeline._update_nodes_status()
    made.deleted.add("t1")
    clock.seconds += 1
    pipeline._update_nodes_status()
    assert pipeline._nodes["s1"].status == "running"  # one answer without it may be a slip
    clock.seconds += 1
    pipeline._update_nodes_status()
    assert pipeline._nodes["s1"].status == "aborted"
    job = pipeline._nodes["s1"].job
    assert job.is_stopped(aborted_nonresponsive_as_running=True)
    assert job.status_message() == "was deleted"
    assert "task t1 was deleted" in capsys.readouterr().out
    clock.seconds += 1
    pipeline._update_nodes_status()
    assert made.asked[-1] == ["t0"]


def test_a_step_that_comes_back_into_the_answer_has_not_ended(made, clock):
    pipeline = made(1)
    for is_missed in (True, False, True):
        (made.deleted.add if is_missed else made.deleted.discard)("t0")
        pipeline._update_nodes_status()
        clock.seconds += 1
    assert pipeline._nodes["s0"].status == "running"


def test_a_server_that_is_away_is_asked_again(made, clock, monkeypatch, capsys):
    pipeline = made(2)
    pipeline._update_nodes_status()

    def away(*_):
        raise ConnectionError("refused")

    with monkeypatch.context() as patched:
        patched.setattr(polling.Server, "progress", away)
        clock.seconds += 1
        pipeline._update_nodes_status()
    assert "cannot be had: refused" in capsys.readouterr().out
    made.seen["t0"] = Progress("failed", "", 990.0, 995.0)
    clock.seconds += 1
    pipeline._update_nodes_status()
    assert pipeline._nodes["s0"].status == "failed"


def test_what_a_watchdog_wrote_reaches_the_sdk(made):
    pipeline = made(1)
    made.seen["t0"] = Progress("stopped", "Forced stop (non-responsive)", 990.0, 995.0)
    pipeline._update_nodes_status()
    assert not pipeline._nodes["s0"].job.is_stopped(aborted_nonresponsive_as_running=True)


def test_pictures_and_plans_are_sent_now_and_then_and_none_is_lost(made, clock):
    pipeline = made(2)
    for _ in range(4):
        pipeline._update_execution_plot()
    assert kinds(made.sent) == ["plan", "picture", "table"]
    clock.seconds += 2
    pipeline._update_nodes_status()
    assert kinds(made.sent)[3:] == ["plan"]
    clock.seconds += 3
    pipeline._update_nodes_status()
    assert kinds(made.sent)[4:] == ["picture", "table"]
    clock.seconds += 60
    pipeline._update_nodes_status()
    assert len(made.sent) == 6


def test_the_end_is_sent_at_once(made, clock):
    pipeline = made(1)
    pipeline._update_execution_plot()
    made.seen["t0"] = Progress("completed", "", 990.0, 998.0)
    clock.seconds += 1
    pipeline._update_execution_plot()
    assert kinds(made.sent)[3:] == ["plan", "picture", "table"]
    assert made.sent[-1][1][1] == ["s0", "completed", "8", '<a href="http://web/t0/log">t0</a>']
    assert "<b>ridge</b><br>completed · 8 s" in str(made.sent[-2][1])


def test_progress_is_told_in_tens_of_seconds_without_a_request_per_step(made, clock):
    pipeline = made(4)
    pipeline._nodes["s0"].executed = "t0"
    pipeline._update_progress()
    pipeline._update_progress()
    assert made.sent == [("progress", 25)]
    clock.seconds += 10
    pipeline._update_progress()
    assert len(made.sent) == 1  # nothing new
    pipeline._nodes["s1"].executed = "t1"
    pipeline._update_progress()
    assert made.sent[1:] == [("progress", 50)]
    assert made.asked == []


def test_where_its_steps_go_is_asked_once(made, monkeypatch):
    pipeline = made(1)
    asked = []

    def ask(_self, return_project_id=False):
        asked.append(return_project_id)
        return "p1"

    monkeypatch.setattr(PipelineController, "_get_target_project", ask)
    assert [pipeline._get_target_project(return_project_id=True) for _ in range(3)] == ["p1"] * 3
    assert asked == [True]
