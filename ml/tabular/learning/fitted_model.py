"""What a fitted model is: schema, preprocessor and estimator, which predict rows as they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ml.runtime.errors import UserError
from ml.tabular.conforming import conform
from ml.tabular.preparation.preprocessor import Preprocessor
from ml.tabular.schema import Schema

# sums in another order give other last bits: predictions are made by one thread on every node
THREADS = 1

PREDICTION = "prediction"
LOW, HIGH = "low", "high"


@dataclass(frozen=True)
class Predicted:
    """What an estimator says of rows.

    Parameters
    ----------
    prediction : ndarray, shape (rows,)
        Numbers, or class texts.
    probabilities : ndarray, shape (rows, classes), or None
        In the order of ``schema.classes``; None for regression.
    """

    prediction: np.ndarray
    probabilities: np.ndarray | None = None


@dataclass(frozen=True)
class FittedModel:
    """Everything that prediction needs, kept together.

    Parameters
    ----------
    name : str
        The model's name in the catalogue.
    schema : Schema
    preprocessor : Preprocessor
        Fitted on the training part.
    estimator : object
        Fitted on what the preprocessor makes of the rows.
    interval : float, optional
        Half the width of the 90 % interval, for regression: from the residuals of the validation
        part, before the estimator was fitted again with these rows, too
        (:func:`ml.tabular.learning.uncertainty.half_width` says what it promises).
    made_with : mapping
        Package → version (:mod:`ml.tabular.learning.model_file`).
    """

    name: str
    schema: Schema
    preprocessor: Preprocessor
    estimator: Any
    interval: float | None = None
    made_with: Mapping[str, str] = field(default_factory=dict)

    def predict(self, frame: pd.DataFrame, where: str) -> pd.DataFrame:
        """Predict rows as they come, checked against the schema.

        Parameters
        ----------
        frame : DataFrame
            Shape (rows, columns); extra columns are ignored.
        where : str
            Where the rows came from, for messages.

        Returns
        -------
        DataFrame
            Column ``prediction``; for regression with an interval, ``low`` and ``high``; for
            classes, one ``probability of CLASS`` per class. The index is the frame's.
        """
        return self.predict_features(conform(frame, self.schema, where))

    def predict_features(self, features: pd.DataFrame) -> pd.DataFrame:
        """Predict rows that conform to the schema already; otherwise as :meth:`predict`."""
        inputs = self.preprocessor.transform(features)
        predicted = predicted_by(self.estimator, inputs, self.schema)
        return as_frame(predicted, self.schema, features.index, self.interval)

    @property
    def classes(self) -> list[str]:
        """The class labels; empty for regression."""
        return self.schema.classes


def predicted_by(
    estimator: Any, inputs: np.ndarray, schema: Schema, threads: int = THREADS
) -> Predicted:
    """What an estimator predicts of a preprocessor's inputs, shape (rows, inputs).

    Raises
    ------
    UserError
        Where predictions are no finite numbers: the training went astray.
    """
    with threadpool_limits(threads):
        if not schema.is_classification:
            numbers = np.asarray(estimator.predict(inputs), dtype=np.float64)
            _check_finite(numbers)
            return Predicted(numbers)
        raw = np.asarray(estimator.predict_proba(inputs), dtype=np.float64)
    _check_finite(raw)
    place = {label: index for index, label in enumerate(map(str, estimator.classes_))}
    known = [index for index, label in enumerate(schema.classes) if label in place]
    order = [place[schema.classes[index]] for index in known]
    if len(known) == len(schema.classes):
        probabilities = raw if order == list(range(raw.shape[1])) else raw[:, order]
    else:
        # rows without a class teach nothing of it
        probabilities = np.zeros((len(raw), len(schema.classes)))
        probabilities[:, known] = raw[:, order]
    labels = np.array(schema.classes, dtype=object)[probabilities.argmax(axis=1)]
    return Predicted(labels, probabilities)


def as_frame(
    predicted: Predicted, schema: Schema, index: pd.Index, interval: float | None = None
) -> pd.DataFrame:
    """Predictions as columns; see :meth:`FittedModel.predict`."""
    columns = {PREDICTION: predicted.prediction}
    if predicted.probabilities is not None:
        for place, label in enumerate(schema.classes):
            columns[probability_column(label)] = predicted.probabilities[:, place]
    elif interval is not None:
        columns[LOW] = predicted.prediction - interval
        columns[HIGH] = predicted.prediction + interval
    return pd.DataFrame(columns, index=index)


def probability_column(label: str) -> str:
    """The name of the column that holds a class's probability."""
    return f"probability of {label}"


def _check_finite(values: np.ndarray) -> None:
    if not np.isfinite(values).all():
        raise UserError(
            "the model predicts values that are no finite numbers: its training went astray",
            where="Model/parameters",
            mend="choose a smaller learning_rate or a stronger penalty, or leave the defaults",
        )
