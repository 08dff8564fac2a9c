import pytest

from fleet.explain.waiting import Backlog, why_it_waits
from fleet.queues import Worker
from fleet.runs import Step
from tests.own_contract import SPEC

STEP = Step(
    name="training",
    phase="training",
    queue="cpu-train",
    node=None,
    worker=None,
    image=None,
    commit=None,
    task_id="1" * 32,
    started=None,
    completed=None,
    status="queued",
    failure=None,
    result=None,
)
WAITING = {"cpu-infer": ["2" * 32], "cpu-train": ["1" * 32]}


@pytest.mark.parametrize(
    ("queues", "tags", "sooner"),
    [
        (("cpu-train", "cpu-infer"), ("queues:cpu-infer,cpu-train",), {"cpu-infer": 1}),
        (("cpu-infer", "cpu-train"), ("queues:cpu-train,cpu-infer",), {}),
        # without a word of the worker's, or with one of other queues, the server's counts
        (("cpu-infer", "cpu-train"), (), {"cpu-infer": 1}),
        (("cpu-infer", "cpu-train"), ("queues:cpu-train,gone",), {"cpu-infer": 1}),
    ],
)
def test_what_is_taken_before_goes_by_the_order_that_a_worker_says(queues, tags, sooner):
    backlog = Backlog(WAITING, (Worker("cpu-1:0", queues, None, tags),), {})
    _, facts = why_it_waits(SPEC, STEP, backlog)
    assert facts["served_before"] == sooner


DRAINED = ("state:drained", "drained-since:2026-11-23T19:00:00Z", "drained-why:a new disk")


def test_a_drained_agent_is_not_free_and_the_way_back_is_told():
    backlog = Backlog(WAITING, (Worker("cpu-1:0", ("cpu-train",), None, DRAINED),), {})
    sentences, facts = why_it_waits(SPEC, STEP, backlog)
    told = " ".join(sentences)
    assert "All agents of cpu-train take no tasks for now." in told
    assert "a new disk" in told
    assert "`ansible-playbook undrain.yml --limit cpu-1`" in told
    assert facts["agents_idle"] == []
    assert list(facts["agents_resting"]) == ["cpu-1:0"]


def test_an_agent_whose_successor_stands_by_counts():
    tags = ("state:draining", "successor:stands-by")
    backlog = Backlog(WAITING, (Worker("cpu-1:0", ("cpu-train",), "3" * 32, tags),), {})
    _, facts = why_it_waits(SPEC, STEP, backlog)
    assert list(facts["agents_busy"]) == ["cpu-1:0"]
