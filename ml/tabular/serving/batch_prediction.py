"""Predictions of many rows: each chunk goes to a file, and what is said about all is counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from ml.runtime.errors import DataError
from ml.tabular.conforming import conform_target
from ml.tabular.labels import class_texts
from ml.tabular.learning import metrics
from ml.tabular.learning.fitting import PREDICTION, FittedModel, probability_column
from ml.tabular.schema import Schema
from ml.tabular.serving.drift import Drift
from ml.tabular.serving.streaming import Chunk

ROW, FILE, TRUTH, REASON = "row", "file", "truth", "why not predicted"
LOW, HIGH = "low", "high"
# numbers that are kept of the predictions for scores and plots: 64 MB
MAX_KEPT = 8_000_000
# a copy as CSV is for people; programs read Parquet
MAX_CSV_ROWS = 100_000


class BatchPrediction:
    """Predicts chunks and writes them to a Parquet file, in bounded memory.

    Parameters
    ----------
    model : FittedModel
    path : Path
        The file to write: ``row`` (the number in its file), ``file`` where there are several,
        ``truth`` where the target is there, ``prediction`` and what else the model gives, and
        ``why not predicted`` where rows may be left out.
    several, truth, skip : bool
        Whether it has the columns ``file``, ``truth`` and ``why not predicted``.
    drift : Drift, optional
        Counts the features.
    prediction_drift : Drift, optional
        Counts the predictions, as a column ``prediction``.
    """

    def __init__(
        self,
        model: FittedModel,
        path: Path,
        *,
        several: bool = False,
        truth: bool = False,
        skip: bool = False,
        drift: Drift | None = None,
        prediction_drift: Drift | None = None,
    ) -> None:
        self.rows = 0
        self.skipped = 0
        self.unscored = ""
        self._model = model
        self._drifts = (drift, prediction_drift)
        self._given = prediction_columns(model)
        self._columns = _columns(model.schema, self._given, several, truth, skip)
        self._writer = parquet.ParquetWriter(path, self._columns)
        self._described = _Described(model.schema)
        self._kept = Thinned(MAX_KEPT // (2 + len(self._given)))

    def __enter__(self) -> BatchPrediction:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def add(self, chunk: Chunk) -> None:
        """Predict a chunk and write its rows, those too that cannot be predicted."""
        schema = self._model.schema
        written: dict[str, Any] = {ROW: chunk.rows}
        if FILE in self._columns.names:
            written[FILE] = [chunk.shown] * len(chunk.rows)
        if chunk.bad:
            written[REASON] = [chunk.bad.get(place) for place in range(len(chunk.rows))]
        if len(chunk.features):
            predicted = self._model.predict_features(chunk.features)
            if TRUTH in self._columns.names:
                predicted.insert(0, TRUTH, self._truth(chunk, predicted.index))
            self._count(chunk, predicted)
            for name in predicted.columns:
                written[name] = _spread_out(predicted[name], chunk)
            classes = schema.classes or None
            self._kept.add(self.rows + chunk.kept, _compact(predicted, classes))
        self._write(written, len(chunk.rows))
        self.rows += len(chunk.rows)
        self.skipped += len(chunk.bad)

    def described(self) -> dict[str, Any]:
        """A few numbers on the predictions: their range, or the rows per class."""
        return self._described.result()

    def shown(self) -> pd.DataFrame:
        """The rows that are kept for scores and plots: all, or a share drawn by their number."""
        return self._kept.frame()

    def scores(self) -> tuple[dict[str, float], int]:
        """Metric → value, and of how many rows; none where no truth is known or it is no truth."""
        kept = self.shown()
        if self.unscored or TRUTH not in kept.columns:
            return {}, 0
        known = kept[kept[TRUTH].notna()]
        if known.empty:
            return {}, 0
        return score_kept(known, self._model.schema), len(known)

    def _truth(self, chunk: Chunk, index: pd.Index) -> pd.Series:
        schema = self._model.schema
        if chunk.truth is None:
            return pd.Series(np.nan, index=index, dtype=object)
        truth = chunk.truth.set_axis(index)
        known = truth[truth.notna()]
        try:
            conform_target(known, schema, chunk.shown)
        except DataError as error:
            # the predictions are worth having all the same
            self.unscored = self.unscored or error.what
        if schema.is_classification:
            return class_texts(truth, schema)
        return pd.to_numeric(truth, errors="coerce").astype("float64")

    def _count(self, chunk: Chunk, predicted: pd.DataFrame) -> None:
        for counted, frame in zip(self._drifts, (chunk.features, predicted), strict=True):
            if counted is not None:
                counted.add(frame)
        self._described.add(predicted[PREDICTION])

    def _write(self, written: dict[str, Any], rows: int) -> None:
        arrays = []
        for column in self._columns:
            values = written.get(column.name)
            if values is None:
                arrays.append(pa.nulls(rows, column.type))
            else:
                arrays.append(pa.array(values, column.type, from_pandas=True))
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._columns))


class Thinned:
    """Rows that are kept up to a number; beyond it half of them, and half again.

    Which, a hash of a row's number decides: they are the same in chunks of any size.

    Parameters
    ----------
    most : int
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._power = 0
        self._parts: list[tuple[np.ndarray, pd.DataFrame]] = []

    def add(self, numbers: np.ndarray, frame: pd.DataFrame) -> None:
        """Keep what is to be kept of a chunk's rows, whose numbers over all chunks are given."""
        hashes = _mixed(numbers)
        self._parts.append(self._remaining(hashes, frame))
        while sum(len(hashes) for hashes, _ in self._parts) > self._most:
            self._power += 1
            self._parts = [self._remaining(*part) for part in self._parts]

    def frame(self) -> pd.DataFrame:
        """The rows that are kept, in the order they came."""
        if not self._parts:
            return pd.DataFrame()
        return pd.concat([frame for _, frame in self._parts], ignore_index=True)

    def _remaining(
        self, hashes: np.ndarray, frame: pd.DataFrame
    ) -> tuple[np.ndarray, pd.DataFrame]:
        if not self._power:
            return hashes, frame
        chosen = hashes % np.uint64(1 << self._power) == 0
        return hashes[chosen], frame[chosen]


def prediction_columns(model: FittedModel) -> list[str]:
    """The columns that a model's predictions have."""
    if model.schema.is_classification:
        return [PREDICTION, *(probability_column(label) for label in model.schema.classes)]
    return [PREDICTION] if model.interval is None else [PREDICTION, LOW, HIGH]


def score_kept(predictions: pd.DataFrame, schema: Schema) -> dict[str, float]:
    """All metrics of predictions beside their truth, and how many intervals hold it.

    Parameters
    ----------
    predictions : DataFrame
        With ``truth``, which is never missing, ``prediction`` and what else the model gives.
    schema : Schema
    """
    truth, predicted = (predictions[name].to_numpy() for name in (TRUTH, PREDICTION))
    if schema.is_classification:
        columns = [probability_column(label) for label in schema.classes]
        probabilities = predictions[columns].to_numpy(float)
        return metrics.score(truth.astype(object), predicted.astype(object), probabilities, schema)
    scores = metrics.score(truth, predicted, None, schema)
    if LOW in predictions.columns:
        held = (predictions[LOW] <= truth) & (truth <= predictions[HIGH])
        scores["interval_coverage"] = float(held.mean())
    return scores


def write_csv(predictions: Path, path: Path) -> None:
    """A copy as CSV of a file of predictions, which has no more than :data:`MAX_CSV_ROWS` rows."""
    pd.read_parquet(predictions).to_csv(path, index=False)


class _Described:
    """Counts predictions: how many of each class, or their range and mean."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._counts = dict.fromkeys(schema.classes, 0)
        self._rows, self._sum = 0, 0.0
        self._low, self._high = np.inf, -np.inf

    def add(self, predicted: pd.Series) -> None:
        if self._schema.is_classification:
            for label, count in predicted.value_counts().items():
                self._counts[str(label)] += int(count)
            return
        self._rows += len(predicted)
        self._sum += float(predicted.sum())
        self._low = min(self._low, float(predicted.min()))
        self._high = max(self._high, float(predicted.max()))

    def result(self) -> dict[str, Any]:
        if self._schema.is_classification:
            return {label: count for label, count in self._counts.items() if count}
        if not self._rows:
            return {}
        return {"min": self._low, "mean": self._sum / self._rows, "max": self._high}


def _columns(schema: Schema, given: list[str], several: bool, truth: bool, skip: bool) -> pa.Schema:
    value = pa.string() if schema.is_classification else pa.float64()
    columns = [(ROW, pa.int64())]
    columns += [(FILE, pa.string())] if several else []
    columns += [(TRUTH, value)] if truth else []
    columns += [(name, value if name == PREDICTION else pa.float64()) for name in given]
    columns += [(REASON, pa.string())] if skip else []
    return pa.schema(columns)


def _spread_out(values: pd.Series, chunk: Chunk) -> np.ndarray:
    """A value for each row of the chunk: none for those that are not predicted."""
    if not chunk.bad:
        return values.to_numpy()
    spread = np.full(len(chunk.rows), np.nan, dtype=values.to_numpy().dtype)
    spread[chunk.kept] = values.to_numpy()
    return spread


def _compact(predicted: pd.DataFrame, classes: list[str] | None) -> pd.DataFrame:
    """The same with classes as codes: a text for each row would take ten times the memory."""
    if classes is None:
        return predicted
    coded = pd.Index(classes)
    codes = {
        name: pd.Categorical.from_codes(coded.get_indexer(predicted[name]), coded)
        for name in (TRUTH, PREDICTION)
        if name in predicted
    }
    return predicted.assign(**codes)


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """Hashes of whole numbers, uint64 (G. Steele and others, SplitMix64, 2014)."""
    mixed = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
