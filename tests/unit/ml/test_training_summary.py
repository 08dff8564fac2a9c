from types import SimpleNamespace

import pytest

from ml.phases.training_summary import gather, reason
from ml.runtime.conventions import PROPERTY_LEFT_OUT
from ml.runtime.errors import UserError
from ml.runtime.step import Outcome


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (
            Outcome("t", "x", "training", "failed", {"failure": "no", "failure_class": "override"}),
            ("override", "no"),
        ),
        (
            Outcome("t", "x", "training", "failed", {"failure": "XGBoostError: std::bad_alloc"}),
            ("resource", "XGBoostError: std::bad_alloc"),
        ),
        (
            Outcome("t", "x", "training", "failed", {"failure": "E: failed to allocate 9 bytes"}),
            ("resource", "E: failed to allocate 9 bytes"),
        ),
        (
            Outcome("t", "x", "training", "stopped", message="user abort"),
            ("infrastructure", "stopped before it could say why (user abort)"),
        ),
        (
            Outcome("t", "x", "training", "failed", message="worker execution exit code 137"),
            (
                "resource",
                "killed (worker execution exit code 137): most often for want of memory",
            ),
        ),
        (
            Outcome("t", "x", "training", "in_progress"),
            ("infrastructure", "in_progress before it could say why"),
        ),
    ],
)
def test_each_model_that_did_not_finish_has_a_reason(outcome, expected):
    assert reason(outcome) == expected


def test_a_model_that_has_yet_to_train_is_no_failed_one():
    outcomes = [
        Outcome(status, status, "training", status)
        for status in ("created", "queued", "in_progress", "failed")
    ]
    step = SimpleNamespace(outcomes=lambda run_id, where: outcomes)
    _, failed, _ = gather(step, "r1")
    assert [one.task for one in failed] == ["failed"]
    outcomes.pop()
    with pytest.raises(UserError, match="no training step that has ended"):
        gather(step, "r1")


def test_where_every_model_is_left_out_each_says_why():
    why = {"model": "discriminant", PROPERTY_LEFT_OUT: "it learns classes"}
    outcomes = [Outcome("t", "x", "training", "completed", why)]
    step = SimpleNamespace(outcomes=lambda run_id, where: outcomes)
    trained, failed, left_out = gather(step, "r1")
    assert (trained, left_out) == ([], [])
    assert [str(one) for one in failed] == ["discriminant [override]: it learns classes"]
