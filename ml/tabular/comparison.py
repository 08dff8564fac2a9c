"""Comparing the models of a run: the leaderboard, the best one, and those that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ml.runtime.metric_names import is_less_better

COLUMNS = (
    "rank",
    "model",
    "validation",
    "test",
    "fit seconds",
    "predict seconds",
    "queue",
    "worker",
    "task",
)


@dataclass(frozen=True)
class Trained:
    """One model that was trained.

    Parameters
    ----------
    model : str
    task : str
        The training step's reference.
    validation, test : dict
        Metric → value.
    fit_seconds, predict_seconds : float
    queue, worker : str
        Where it was trained.
    """

    model: str
    task: str
    validation: dict[str, float]
    test: dict[str, float]
    fit_seconds: float
    predict_seconds: float
    queue: str = ""
    worker: str = ""


@dataclass(frozen=True)
class Failed:
    """One model that was not trained, and why."""

    model: str
    task: str
    failure_class: str
    failure: str

    def __str__(self) -> str:
        return f"{self.model} [{self.failure_class}]: {self.failure}"


def leaderboard(trained: Sequence[Trained], metric: str) -> pd.DataFrame:
    """The models, the best by the validation metric first.

    Parameters
    ----------
    trained : sequence of Trained
        At least one.
    metric : str

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`, one row per model.
    """
    rows = [
        {
            "model": one.model,
            "validation": one.validation.get(metric),
            "test": one.test.get(metric),
            "fit seconds": round(one.fit_seconds, 3),
            "predict seconds": round(one.predict_seconds, 3),
            "queue": one.queue,
            "worker": one.worker,
            "task": one.task,
        }
        for one in trained
    ]
    # equal scores: the name decides, so that the order is always the same
    ordered = pd.DataFrame(rows).sort_values(["model", "task"], kind="stable")
    ordered = ordered.sort_values("validation", ascending=is_less_better(metric), kind="stable")
    ordered.insert(0, "rank", range(1, len(ordered) + 1))
    return ordered.reset_index(drop=True)[list(COLUMNS)]


def failed_table(failed: Sequence[Failed]) -> pd.DataFrame:
    """The models that failed, with class and message."""
    return pd.DataFrame(
        [
            {"model": one.model, "class": one.failure_class, "why": one.failure, "task": one.task}
            for one in failed
        ],
        columns=["model", "class", "why", "task"],
    )
