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
