"""inference-batch: predict the rows of files, of a data set, or of the held-out test part."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from ml.phases import _serving
from ml.runtime import conventions as names
from ml.runtime.errors import DataError
from ml.runtime.phase import Phase

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from ml.runtime.step import Step
    from ml.tabular.data.replaying import Replay
    from ml.tabular.schema import Schema
    from ml.tabular.serving.batch_prediction import BatchPrediction
    from ml.tabular.serving.drift import Drift
    from ml.tabular.serving.streaming import Chunk

TEST_PART = "test"
ARTIFACT_DRIFT = "drift"
ARTIFACT_CSV = f"{names.ARTIFACT_PREDICTIONS}_csv"
_WHERE = "Input/data"
_SECONDS_BETWEEN_LINES = 10.0
_SHOWN_COLUMNS = 30


class InputFields(_serving.ModelSource):
    """The model, and the rows to predict."""

    data: str = Field(
        TEST_PART,
        min_length=1,
        description="CSV or Parquet: addresses, paths, folders or patterns with commas between, "
        "dataset:ID, or test for the held-out rows",
    )
    encoding: str = Field("utf-8", min_length=1, description="how CSV files are encoded")
    on_error: Literal["stop", "skip"] = Field(
        "stop",
        description="what a row does that is not as the schema says; skip leaves its prediction "
        "empty and says why in a column",
    )


class Parameters(BaseModel):
    """Of inference-batch."""

    Input: InputFields = InputFields()


PHASE = Phase(
    name="inference-batch",
    task_type="inference",
    help="Predict the rows of files with the best model of a run, and tell how they drifted.",
    parameters=Parameters,
    entry="ml.phases.inference_batch:run",
    order=60,
    from_run=True,
)


@dataclass(frozen=True)
class Rows:
    """What is to be predicted.

    Parameters
    ----------
    chunks : iterator of Chunk
    truth : bool
        Whether some of it has the target.
    several : bool
        Whether it comes of several files.
    notes : list of str
        What was done to the rows.
    """

    chunks: Iterator[Chunk]
    truth: bool
    several: bool = False
    notes: list[str] = field(default_factory=list)


def run(step: Step, parameters: Parameters) -> None:
    """Check the files against the schema, predict chunk after chunk, store what came of it."""
    from ml.tabular.serving import batch_prediction, streaming

    given = parameters.Input
    served = _serving.served_model(step, given)
    model, skip = served.model, given.on_error == "skip"
    per_chunk = streaming.rows_per_chunk(len(model.preprocessor.names_))
    rows = _rows(step, given, served, per_chunk)
    known = _serving.reference(step, served)
    drifts = _drifts(step, served, known)
    path = step.work / "predictions.parquet"
    with batch_prediction.BatchPrediction(
        model,
        path,
        several=rows.several,
        truth=rows.truth,
        skip=skip,
        drift=drifts[0],
        prediction_drift=drifts[1],
    ) as batch:
        _predict(step, batch, rows)
    _check_predicted(batch, given.data)
    step.artifact(names.ARTIFACT_PREDICTIONS, path)
    if batch.rows <= batch_prediction.MAX_CSV_ROWS:
        batch_prediction.write_csv(path, step.work / "predictions.csv")
        step.artifact(ARTIFACT_CSV, step.work / "predictions.csv")
    else:
        step.log(
            f"no copy as CSV: it is made of {batch_prediction.MAX_CSV_ROWS:,} rows at most; "
            f"{names.ARTIFACT_PREDICTIONS} is Parquet"
        )
    _report(step, served, given.data, batch, drifts, rows.notes)


def _predict(step: Step, batch: BatchPrediction, rows: Rows) -> None:
    from ml.tabular.serving import streaming

    started = last = time.monotonic()
    try:
        with contextlib.closing(streaming.ahead(rows.chunks)) as chunks:
            for chunk in chunks:
                batch.add(chunk)
                now = time.monotonic()
                if now - last >= _SECONDS_BETWEEN_LINES:
                    last = now
                    step.log(_progress(batch.rows, now - started))
    except DataError as error:
        done = f"{batch.rows:,} rows before it were good" if batch.rows else "no row was predicted"
        mend = error.mend
        if streaming.is_of_rows(error):
            mend += "; or set Input/on_error to skip, which leaves such rows out"
        raise DataError(f"{error.what}; {done}", where=error.where, mend=mend) from None
    step.log(_progress(batch.rows, time.monotonic() - started))


def _progress(rows: int, seconds: float) -> str:
    return f"{rows:,} rows predicted, {rows / max(seconds, 1e-9):,.0f} rows/s"


def _check_predicted(batch: BatchPrediction, data: str) -> None:
    if not batch.rows:
        raise DataError("no row is there", where=data, mend="give rows to predict")
    if batch.rows == batch.skipped:
        raise DataError(
            f"none of the {batch.rows:,} rows can be predicted",
            where=data,
            mend="set Input/on_error to stop to see what is wrong with the first of them",
        )


def _rows(step: Step, given: InputFields, served: _serving.Served, per_chunk: int) -> Rows:
    from ml.runtime.source_files import SourceFile, source_files
    from ml.tabular.data import sources, table_files
    from ml.tabular.serving import streaming

    schema = served.model.schema
    skip = given.on_error == "skip"
    # the rows of the test part are edited
    edits = None if given.data == TEST_PART else _serving.replay(step, served)
    if given.data.startswith(sources.PREFIX):
        frame = sources.load_builtin(given.data, _WHERE)[0]
        edit = _edits_to_do(step, list(frame), schema, edits, given.data)
        chunks = streaming.frame_chunks(
            frame, schema, per_chunk, given.data, truth=True, skip=skip, edit=edit
        )
        notes = _serving.tell_edits(step, edits, done=edit is not None)
        return Rows(chunks, _has_target(list(frame), schema, edit), notes=notes)
    if given.data == TEST_PART:
        found = [SourceFile(step.fetch(served.preprocessing, TEST_PART, _WHERE), "the test part")]
    else:
        found = source_files(step, given.data, _WHERE)
    own = _serving.data_hashes(step, served)
    truth = not any(_is_own_data(one.path, own) for one in found)
    if not truth:
        step.log("no scores: the model was trained on rows of this data set; test has others")
    files = [table_files.open_file(one.path, one.shown, given.encoding) for one in found]
    # all files are looked at before a row is predicted
    to_do = [
        _edits_to_do(
            step, file.names, schema, None if _is_edited(file.path, edits) else edits, file.shown
        )
        for file in files
    ]
    chunks = streaming.file_chunks(files, schema, per_chunk, truth=truth, skip=skip, edits=to_do)
    known = [_has_target(file.names, schema, edit) for file, edit in zip(files, to_do, strict=True)]
    notes = _serving.tell_edits(step, edits, done=any(to_do))
    return Rows(chunks, truth and any(known), len(files) > 1, notes)


def _edits_to_do(
    step: Step, given: list[str], schema: Schema, edits: Replay | None, where: str
) -> Replay | None:
    """What is to be done to rows with these columns; what is not used of them is told."""
    from ml.tabular.naming import listed
    from ml.tabular.serving import row_forms

    edit = row_forms.edits_to_do(given, schema, edits, where)
    if unused := row_forms.unused(given, schema, edit):
        step.log(f"not used by the model: {listed(unused)}")
    return edit


def _is_edited(path: Path, edits: Replay | None) -> bool:
    """Whether a file is that of a data set with the very edits."""
    from ml.phases._dataset import DATA_FILE, load_origin

    if edits is None or path.name != DATA_FILE:
        return False
    return load_origin(path.parent).replay == edits.stages


def _has_target(given: list[str], schema: Schema, edit: Replay | None) -> bool:
    return schema.target in given if edit is None else bool(edit.target_columns(given))


def _is_own_data(path: Path, own: list[str]) -> bool:
    """Whether a file is that of a data set which has rows that the model was trained on.

    It is the model's own, one that this was made of, or one that was made of it. Values decide: a
    data set has many names.
    """
    from ml.phases._dataset import DATA_FILE, hashes

    if path.name != DATA_FILE:
        return False
    given, *ancestors = hashes(path.parent) or [""]
    return bool(given) and (given in own or own[0] in ancestors)


def _drifts(
    step: Step, served: _serving.Served, known: dict[str, Any] | None
) -> tuple[Drift | None, Drift | None]:
    """Of the features against the training rows; of the predictions against the held-out ones."""
    import pandas as pd

    from ml.tabular.learning.fitted_model import PREDICTION
    from ml.tabular.serving import drift

    if known is None:
        return None, None
    path = step.fetch(served.task, names.ARTIFACT_PREDICTIONS, "Input/training_task")
    before = pd.read_parquet(path, columns=[PREDICTION])[PREDICTION]
    kind = "category" if served.model.schema.is_classification else "numeric"
    spreads = {PREDICTION: drift.spread(before, kind)}
    return drift.Drift(known["columns"]), drift.Drift(spreads)


def _report(
    step: Step,
    served: _serving.Served,
    source: str,
    batch: BatchPrediction,
    drifts: tuple[Drift | None, Drift | None],
    notes: list[str],
) -> None:
    schema = served.model.schema
    scores, scored = batch.scores()
    if batch.unscored:
        step.log(f"no scores: {batch.unscored}")
    elif scored:
        step.log(f"scores of {scored:,} of {batch.rows:,} rows")
    drifted, warnings = "not compared", []
    if drifts[0] and drifts[1]:
        drifted, warnings = _report_drift(step, *drifts)
    if batch.skipped:
        warnings.append(f"{batch.skipped:,} of {batch.rows:,} rows were skipped")
    step.artifact_json(
        names.ARTIFACT_SUMMARY,
        {
            "source": source,
            "model": served.model.name,
            "training_task": served.task,
            "rows": batch.rows,
            "skipped": batch.skipped,
            "scored": scored,
            "scores": scores,
            "predictions": batch.described(),
            "drift": drifted,
            "notes": notes,
            "warnings": warnings,
        },
    )
    for name, number in scores.items():
        step.value(name, number)
    shown = figure(batch.shown(), schema, scored=bool(scores))
    step.plot("predictions", shown)
    # the report shows the best model on the test part already
    if source != TEST_PART:
        _serving.keep_figures(step, {f"Predictions of {source}": shown})
    step.properties(
        **{
            names.PROPERTY_MODEL: served.model.name,
            names.PROPERTY_ROWS: batch.rows,
            names.PROPERTY_TARGET: schema.target,
            names.PROPERTY_DRIFT: drifted,
            names.PROPERTY_SKIPPED_ROWS: batch.skipped,
        }
    )
    for text in warnings:
        step.log(f"warning: {text}")
    step.log(f"{batch.rows:,} rows of {source} predicted with {served.model.name}")


def _report_drift(step: Step, features: Drift, predictions: Drift) -> tuple[str, list[str]]:
    """The columns that drifted, and what to beware of."""
    from ml.tabular.serving import drift, serving_plots

    table, predicted = features.table(), predictions.table()
    drifted = drift.drifted(table)
    step.artifact_json(
        ARTIFACT_DRIFT,
        {
            "thresholds": {"some": drift.SOME, "much": drift.MUCH},
            "drifted": drifted,
            "columns": table.to_dict(orient="records"),
            "predictions": predicted.to_dict(orient="records")[0],
        },
    )
    step.table("drift per column", table.head(_SHOWN_COLUMNS))
    step.plot("drift", serving_plots.drift_bars(table))
    warnings = [
        f"{one.column}: {one.unseen:.1%} of the rows have a value that was not seen in training"
        for one in table.itertuples()
        if one.unseen
    ]
    if predicted["drift"].iloc[0]:
        warnings.append(
            f"the predictions are spread otherwise than in training: {drift.drifted(predicted)}"
        )
    step.log(f"drift: {drifted}")
    return drifted, warnings


def figure(predictions: pd.DataFrame, schema: Schema, *, scored: bool):
    """Against the truth where it is known, else how the predictions are spread."""
    from ml.tabular.serving import batch_prediction
    from ml.tabular.summary import plots

    if scored:
        return plots.fit_quality(predictions[predictions[batch_prediction.TRUTH].notna()], schema)
    return plots.prediction_distribution(predictions, schema)
