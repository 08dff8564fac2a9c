"""Comparing the models of a run: the leaderboard, the best one, and those that failed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ml.runtime.metric_names import is_less_better
from ml.tabular.learning.choosing import best_of

COLUMNS = (
    "rank",
    "model",
    "validation",
    "validation low",
    "validation high",
    "test",
    "test low",
    "test high",
    "cross-validation mean",
    "cross-validation std",
    "fit seconds",
    "predict seconds",
    "predict_rows_per_second",
    "size bytes",
    "tuned",
    "queue",
    "worker",
    "task",
)
# one that is this much smaller is called simpler
_SMALLER = 0.5


@dataclass(frozen=True)
class Folds:
    """Over which folds a model was cross-validated: equal ones hold the same rows.

    Parameters
    ----------
    count : int
    seed : int
    preprocessing_task : str
        The step that prepared the rows.
    """

    count: int
    seed: int
    preprocessing_task: str


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
    validation_intervals, test_intervals : dict
        Metric → its low and high end; empty where none were made.
    cross_validation : dict
        Metric → ``mean`` and ``std`` over the folds; empty where it was not done.
    folds : Folds or None
        Of the cross-validation.
    rows_per_second : float or None
        How many rows it predicts in a second.
    size_bytes : int or None
        Of the stored model.
    trials : int
        How many were tried in tuning; 0 where the model was not tuned.
    preprocessing_task : str
        The step that prepared its rows; a run may have several.
    """

    model: str
    task: str
    validation: Mapping[str, float]
    test: Mapping[str, float]
    fit_seconds: float
    predict_seconds: float
    queue: str = ""
    worker: str = ""
    validation_intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    test_intervals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    cross_validation: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    folds: Folds | None = None
    rows_per_second: float | None = None
    size_bytes: int | None = None
    trials: int = 0
    preprocessing_task: str = ""

    @classmethod
    def of(cls, record: Mapping[str, Any], task: str, queue: str = "", worker: str = "") -> Trained:
        """What a training step's artifact ``metrics`` says; an older one says less."""
        crossed, tuning = record.get("cross_validation") or {}, record.get("tuning")
        folds = None
        if crossed:
            folds = Folds(crossed["folds"], record["seed"], record["preprocessing_task"])
        return cls(
            model=record["model"],
            task=task,
            validation=record["validation"],
            test=record["test"],
            fit_seconds=float(record["fit_seconds"]),
            predict_seconds=float(record["predict_seconds"]),
            queue=queue,
            worker=worker,
            validation_intervals=record.get("validation_intervals") or {},
            test_intervals=record.get("test_intervals") or {},
            cross_validation=crossed.get("metrics") or {},
            folds=folds,
            rows_per_second=record.get("predict_rows_per_second"),
            size_bytes=record.get("size_bytes"),
            trials=int((tuning or {}).get("trials") or 0),
            preprocessing_task=record.get("preprocessing_task", ""),
        )


@dataclass(frozen=True)
class Failed:
    """One model that was not trained, and why."""

    model: str
    task: str
    failure_class: str
    failure: str

    def __str__(self) -> str:
        return f"{self.model} [{self.failure_class}]: {self.failure}"


def common_folds(trained: Sequence[Trained], metric: str) -> int:
    """Over how many folds all models have the metric, the same ones for each; 0 where not so."""
    over = {one.folds for one in trained if metric in one.cross_validation}
    if len(over) != 1 or not all(metric in one.cross_validation for one in trained):
        return 0
    folds = over.pop()
    return 0 if folds is None else folds.count


def leaderboard(trained: Sequence[Trained], metric: str) -> pd.DataFrame:
    """The models, the best first.

    Where all of them have the metric over the same folds, the best is that of
    :func:`~ml.tabular.learning.choosing.best_of`, and the others follow by their means; else the
    score on the validation part decides.

    Parameters
    ----------
    trained : sequence of Trained
        At least one.
    metric : str

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`, one row per model; what is not known is None.
    """
    # equal scores: the name decides, so that the order is always the same
    ordered = pd.DataFrame([_row(one, metric) for one in trained]).sort_values(
        ["model", "task"], kind="stable"
    )
    folds = common_folds(trained, metric)
    by = "cross-validation mean" if folds else "validation"
    ordered = ordered.sort_values(by, ascending=is_less_better(metric), kind="stable")
    if folds:
        best = _best(trained, metric, folds)
        ordered = ordered.sort_values("task", key=lambda tasks: tasks != best.task, kind="stable")
    ordered.insert(0, "rank", range(1, len(ordered) + 1))
    return ordered.reset_index(drop=True)[list(COLUMNS)]


def records(board: pd.DataFrame) -> list[dict[str, Any]]:
    """A leaderboard's rows for JSON: what is not known is null, not NaN."""
    plain = board.astype(object).where(board.notna(), None)
    return plain.to_dict(orient="records")


def shown(board: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A leaderboard as a person reads it: texts with units, and no column that says nothing.

    Parameters
    ----------
    board : DataFrame
        As :func:`leaderboard` makes it; columns of it may be missing.
    metric : str
        Named in the headings of the scores.
    """
    columns: dict[str, list[Any]] = {}
    rows = [row.dropna().to_dict() for _, row in board.iterrows()]
    columns["rank"] = [row.get("rank", "") for row in rows]
    columns["model"] = [row["model"] for row in rows]
    for part in ("validation", "test"):
        columns[f"{part} {metric}"] = [_scored(row, part) for row in rows]
    columns["cross-validation"] = [_crossed(row) for row in rows]
    columns["fit"] = [duration(row.get("fit seconds")) for row in rows]
    columns["predicts"] = [_rate(row.get("predict_rows_per_second")) for row in rows]
    columns["size"] = [size(row.get("size bytes")) for row in rows]
    columns["tuned"] = [_trials(row.get("tuned")) for row in rows]
    columns["queue"] = [row.get("queue", "") for row in rows]
    columns["node"] = [node(row.get("worker", "")) for row in rows]
    always = {"rank", "model", f"validation {metric}", f"test {metric}"}
    return pd.DataFrame(
        {name: cells for name, cells in columns.items() if name in always or any(cells)}
    )


def failed_table(failed: Sequence[Failed]) -> pd.DataFrame:
    """The models that failed, with class and message."""
    return pd.DataFrame(
        [
            {"model": one.model, "class": one.failure_class, "why": one.failure, "task": one.task}
            for one in failed
        ],
        columns=["model", "class", "why", "task"],
    )


def as_good(board: pd.DataFrame, folds: int = 0) -> list[str]:
    """The best model and those that these rows can hardly tell from it.

    By cross-validation, those whose mean is within one standard error of the mean of the best. By
    the validation part, the second where its interval overlaps that of the best, and each further
    one whose score lies in the interval of the best; only the best where it has no interval.

    Parameters
    ----------
    board : DataFrame
        As :func:`leaderboard` makes it.
    folds : int
        As :func:`common_folds` gives it: what the board is ordered by.
    """
    best, low, high = board.iloc[0], "validation low", "validation high"
    if folds:
        means = board["cross-validation mean"].astype(float)
        error = best["cross-validation std"] / math.sqrt(folds)
        return board.loc[(means - means.iloc[0]).abs() <= error, "model"].tolist()
    if pd.isna(best[low]) or pd.isna(best[high]):
        return [best["model"]]
    overlaps = (board[low] <= best[high]) & (board[high] >= best[low])
    inside = board["validation"].between(best[low], best[high])
    first_two = board.index < 2
    return board.loc[(first_two & overlaps) | (~first_two & inside), "model"].tolist()


def simplest(board: pd.DataFrame, among: Sequence[str]) -> str:
    """The smallest of some models, where it is much smaller than the best; else the best."""
    best = board.iloc[0]
    sizes = board[board["model"].isin(among) & board["size bytes"].notna()]
    if pd.isna(best["size bytes"]) or sizes.empty:
        return best["model"]
    smallest = sizes.loc[sizes["size bytes"].astype(float).idxmin()]
    is_simpler = float(smallest["size bytes"]) <= _SMALLER * float(best["size bytes"])
    return smallest["model"] if is_simpler else best["model"]


def node(worker: str) -> str:
    """The machine's name in a worker's."""
    return worker.partition(":")[0]


def size(count: float | None) -> str:
    """A number of bytes as a person writes it."""
    if count is None or pd.isna(count):
        return ""
    units = ["B", "kB", "MB", "GB", "TB"]
    while count >= 999.5 and len(units) > 1:
        count, units = count / 1000, units[1:]
    return f"{count:.3g} {units[0]}"


def duration(seconds: float | None) -> str:
    """A time span as a person writes it."""
    if seconds is None or pd.isna(seconds):
        return ""
    if seconds < 99.5:
        return f"{seconds:.2g} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{seconds / 3600:.1f} h"


def _best(trained: Sequence[Trained], metric: str, folds: int) -> Trained:
    # the name first, by which equal ones are ordered; a model may be there twice
    named = {f"{one.model} {one.task}": one for one in trained}
    crossed = {name: one.cross_validation for name, one in named.items()}
    return named[best_of(crossed, metric, folds)]


def _row(one: Trained, metric: str) -> dict[str, Any]:
    crossed = one.cross_validation.get(metric) or {}
    row: dict[str, Any] = {"model": one.model}
    for part in ("validation", "test"):
        row[part] = getattr(one, part).get(metric)
        ends = getattr(one, f"{part}_intervals").get(metric) or (None, None)
        row[f"{part} low"], row[f"{part} high"] = ends
    return {
        **row,
        "cross-validation mean": crossed.get("mean"),
        "cross-validation std": crossed.get("std"),
        "fit seconds": round(one.fit_seconds, 3),
        "predict seconds": round(one.predict_seconds, 3),
        "predict_rows_per_second": one.rows_per_second,
        "size bytes": one.size_bytes,
        "tuned": one.trials,
        "queue": one.queue,
        "worker": one.worker,
        "task": one.task,
    }


def _scored(row: Mapping[str, Any], part: str) -> str:
    if part not in row:
        return "none"
    if f"{part} low" not in row:
        return f"{row[part]:.4g}"
    return f"{row[part]:.4g} ({row[f'{part} low']:.4g} to {row[f'{part} high']:.4g})"


def _crossed(row: Mapping[str, Any]) -> str:
    if "cross-validation mean" not in row:
        return ""
    return f"{row['cross-validation mean']:.4g} ± {row.get('cross-validation std', 0.0):.2g}"


def _rate(rows_per_second: float | None) -> str:
    return f"{float(f'{rows_per_second:.2g}'):,.0f} rows/s" if rows_per_second else ""


def _trials(count: float | None) -> str:
    return f"{int(count)} trials" if count else ""
