"""What a summary reads of a run's steps: what cannot be read is told, and costs no summary."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ml.phases.training import ARTIFACT_METRICS, ARTIFACT_MODEL
from ml.runtime import conventions as names
from ml.runtime.errors import UserError
from ml.runtime.failures import describe

if TYPE_CHECKING:
    import pandas as pd

    from ml.runtime.step import Step
    from ml.tabular.learning.fitting import FittedModel
    from ml.tabular.schema import Schema
    from ml.tabular.summary.comparison import Failed, Trained
    from ml.tabular.summary.explaining import Explanation

_WHERE = "Input/run_id"
# of more models the predictions are not fetched: a plot of more tells no more
_MAX_READ = 8


def optional_json(step: Step, task: str, artifact: str) -> Any:
    """An artifact that older steps do not have; None where it cannot be had."""
    with contextlib.suppress(UserError, OSError, ValueError):
        return step.fetch_json(task, artifact, _WHERE)
    return None


def load(step: Step, one: Trained) -> FittedModel:
    """The fitted model of a training step.

    Raises
    ------
    UserError
        Of class ``dependency`` where it was made by other versions than are here.
    """
    from ml.tabular.learning import model_file

    made_with = step.fetch_json(one.task, ARTIFACT_METRICS, _WHERE).get("made_with")
    return model_file.load(step.fetch(one.task, ARTIFACT_MODEL, _WHERE), made_with, _WHERE)


def usable_best(
    step: Step,
    trained: list[Trained],
    failed: list[Failed],
    metric: str,
    warnings: list[str],
) -> tuple[list[Trained], FittedModel | None]:
    """The trained models without those whose file is lost, and the best one, loaded.

    Only the best is loaded: what is recommended must be there. It is None where this machine
    lacks what the model was made with; that is no fault of the model.
    """
    from ml.tabular.summary import comparison

    left = list(trained)
    while left:
        task = comparison.leaderboard(left, metric).iloc[0]["task"]
        best = next(one for one in left if one.task == task)
        try:
            return left, load(step, best)
        except Exception as error:
            cause = describe(error)
            if cause.failure_class == "dependency":
                warnings.append(f"{best.model} cannot be opened here: {cause.summary}")
                return left, None
            why = f"its model cannot be read: {cause.summary}"
            failed.append(comparison.Failed(best.model, best.task, cause.failure_class, why))
            left.remove(best)
    return [], None


def read_parquet_sample(path: Any, most: int, seed: int, columns: Sequence[str] | None = None):
    """At most `most` rows of a Parquet file, drawn at random; the others are not kept."""
    import numpy as np
    from pyarrow import dataset

    found = dataset.dataset(path)
    rows = found.count_rows()
    if rows <= most:
        return found.to_table(columns=columns).to_pandas()
    drawn = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    return found.take(drawn, columns=columns).to_pandas()


def test_predictions(
    step: Step, board: pd.DataFrame, warnings: list[str]
) -> dict[str, pd.DataFrame]:
    """Model → its predictions of the test part, of the first few of a leaderboard."""
    import pandas as pd

    found = {}
    for _, row in board.head(_MAX_READ).iterrows():
        try:
            path = step.fetch(row["task"], names.ARTIFACT_PREDICTIONS, _WHERE)
            frame = pd.read_parquet(path)
        except Exception as error:
            summary = describe(error).summary
            warnings.append(f"the predictions of {row['model']} cannot be read: {summary}")
            continue
        if "part" in frame.columns:
            frame = frame[frame["part"] == "test"]
        found.setdefault(row["model"], frame)
    return found


def explained(
    step: Step, model: FittedModel, preprocessing_task: str, warnings: list[str]
) -> tuple[Explanation | None, pd.DataFrame | None]:
    """The best model's explanation over test rows, and these rows, conforming."""
    from ml.tabular.conforming import conform
    from ml.tabular.summary import explaining

    try:
        test = step.fetch(preprocessing_task, "test", _WHERE)
        wanted = model.schema.features
        most = explaining.worthwhile_rows(model)
        rows = read_parquet_sample(test, most, 0, wanted).reset_index(drop=True)

        def background() -> pd.DataFrame:
            train = step.fetch(preprocessing_task, "train", _WHERE)
            return read_parquet_sample(train, explaining.MAX_BACKGROUND, 0, wanted)

        found = explaining.explain(model, rows, background, "the test part")
        return found, conform(rows, model.schema, "the test part")
    except Exception as error:
        warnings.append(f"{model.name} cannot be explained: {describe(error).summary}")
        return None, None


def baseline(
    step: Step, preprocessing_task: str, truth: pd.Series, schema: Schema, warnings: list[str]
) -> dict[str, float]:
    """Metric → what a prediction scores on the test part that looks at no column."""
    import pandas as pd

    from ml.tabular.summary.baseline import baseline_scores

    try:
        train = step.fetch(preprocessing_task, "train", _WHERE)
        target = pd.read_parquet(train, columns=[schema.target])[schema.target]
        return baseline_scores(target, truth, schema)
    except Exception as error:
        warnings.append(f"there is no baseline: {describe(error).summary}")
        return {}


def data_facts(step: Step, preprocessing_task: str, schema: Schema) -> dict[str, Any]:
    """What the models were trained on: rows, columns, what was left out, split, leakage."""
    split = optional_json(step, preprocessing_task, "split") or {}
    kinds: dict[str, int] = {}
    for column in schema.columns:
        kinds[column.kind] = kinds.get(column.kind, 0) + 1
    rows, missing = _counts(step, preprocessing_task, schema.features)
    return {
        "rows": schema.rows,
        "rows per part": rows,
        "columns": kinds,
        "left out": [one.model_dump() for one in schema.left_out],
        "split": split if isinstance(split, Mapping) else {},
        "leakage": optional_json(step, preprocessing_task, "leakage"),
        "missing": missing,
        "hash": schema.hash,
    }


def _counts(
    step: Step, preprocessing_task: str, features: Sequence[str]
) -> tuple[dict[str, int], dict[str, float]]:
    """Rows per part, and the share of missing values of the training part's columns.

    Both are in the files' footers: no row is read.
    """
    from pyarrow import parquet

    rows, missing = {}, {}
    for part in ("train", "validation", "test"):
        with contextlib.suppress(UserError, OSError, ValueError):
            file = parquet.read_metadata(step.fetch(preprocessing_task, part, _WHERE))
            rows[part] = file.num_rows
            if part == "train":
                missing = _missing(file, set(features))
    return rows, missing


def _missing(file: Any, features: set[str]) -> dict[str, float]:
    nulls: dict[str, int] = {}
    for group in range(file.num_row_groups):
        for index in range(file.num_columns):
            column = file.row_group(group).column(index)
            if column.path_in_schema in features and column.statistics:
                name = column.path_in_schema
                nulls[name] = nulls.get(name, 0) + (column.statistics.null_count or 0)
    return {name: count / max(1, file.num_rows) for name, count in nulls.items() if count}
