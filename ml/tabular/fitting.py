"""Fitting one model on prepared data, and what a fitted model is."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from threadpoolctl import threadpool_limits

from ml.model_catalog import MODELS
from ml.tabular.conforming import conform, conform_target
from ml.tabular.metrics import score
from ml.tabular.preparation import Parts
from ml.tabular.schema import Schema

# sums in another order give other last bits: a fixed number of threads gives the same result on
# every node, however many cores it has
THREADS = 1

PREDICTION = "prediction"


@dataclass(frozen=True)
class FittedModel:
    """Everything that prediction needs: schema, preprocessor and estimator, kept together.

    Parameters
    ----------
    name : str
        The model's name in the catalogue.
    schema : Schema
    preprocessor : ColumnTransformer
        Fitted on the training part.
    estimator : object
        Fitted on what the preprocessor makes of the training part.
    """

    name: str
    schema: Schema
    preprocessor: ColumnTransformer
    estimator: Any

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
            Column ``prediction`` and, for classes, one ``probability of CLASS`` per class; the
            index is the frame's.
        """
        return self.predict_features(conform(frame, self.schema, where))

    def predict_features(self, features: pd.DataFrame) -> pd.DataFrame:
        """Predict rows that conform to the schema already; otherwise as :meth:`predict`."""
        inputs = self.preprocessor.transform(features)
        with threadpool_limits(THREADS):
            if not self.schema.is_classification:
                return pd.DataFrame(
                    {PREDICTION: self.estimator.predict(inputs)}, index=features.index
                )
            raw = self.estimator.predict_proba(inputs)
        order = [list(self.estimator.classes_).index(label) for label in self.schema.classes]
        probabilities = np.asarray(raw)[:, order]
        labels = np.array(self.schema.classes, dtype=object)[probabilities.argmax(axis=1)]
        columns = {probability_column(c): probabilities[:, i] for i, c in enumerate(self.classes)}
        return pd.DataFrame({PREDICTION: labels, **columns}, index=features.index)

    @property
    def classes(self) -> list[str]:
        """The class labels; empty for regression."""
        return self.schema.classes


@dataclass(frozen=True)
class Fit:
    """What came of fitting one model.

    Parameters
    ----------
    model : FittedModel
    validation, test : dict
        Metric → value on the two parts.
    predictions : DataFrame
        Of the test part: ``truth``, ``prediction`` and, for classes, their probabilities.
    fit_seconds, predict_seconds : float
    history : dict
        Name → one number per iteration.
    """

    model: FittedModel
    validation: dict[str, float]
    test: dict[str, float]
    predictions: pd.DataFrame
    fit_seconds: float
    predict_seconds: float
    history: dict[str, list[float]]


def fit(
    parts: Parts,
    schema: Schema,
    preprocessor: ColumnTransformer,
    model_name: str,
    parameters: Any,
    seed: int,
) -> Fit:
    """Fit one model on the training part, and score it on the other two.

    Parameters
    ----------
    parts : Parts
    schema : Schema
    preprocessor : ColumnTransformer
        Fitted on ``parts.train``.
    model_name : str
        A name of :data:`ml.model_catalog.MODELS`.
    parameters : ModelParameters
        The model's own.
    seed : int
    """
    estimator = MODELS[model_name].build(parameters, schema.kind, seed)
    features = preprocessor.transform(conform(parts.train, schema, "the training part"))
    target = conform_target(parts.train[schema.target], schema, "the training part")
    started = time.perf_counter()
    with threadpool_limits(THREADS):
        estimator.fit(features, target)
    fit_seconds = time.perf_counter() - started

    model = FittedModel(model_name, schema, preprocessor, estimator)
    validation = score_rows(model.predict(parts.validation, "validation"), parts.validation, schema)
    started = time.perf_counter()
    predicted = model.predict(parts.test, "test")
    predict_seconds = time.perf_counter() - started
    return Fit(
        model=model,
        validation=validation,
        test=score_rows(predicted, parts.test, schema),
        predictions=with_truth(predicted, parts.test, schema),
        fit_seconds=fit_seconds,
        predict_seconds=predict_seconds,
        history=dict(getattr(estimator, "history_", {})),
    )


def score_rows(predicted: pd.DataFrame, frame: pd.DataFrame, schema: Schema) -> dict[str, float]:
    """All metrics of predictions against the targets in the frame they were made of."""
    truth = conform_target(frame[schema.target], schema, "the target")
    probabilities = (
        predicted[[probability_column(label) for label in schema.classes]].to_numpy(float)
        if schema.is_classification
        else None
    )
    return score(truth, predicted[PREDICTION].to_numpy(), probabilities, schema)


def with_truth(predicted: pd.DataFrame, frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Predictions with the true target in front of them, as column ``truth``."""
    truth = conform_target(frame[schema.target], schema, "the target")
    result = predicted.copy()
    result.insert(0, "truth", truth)
    return result


def probability_column(label: str) -> str:
    """The name of the column that holds a class's probability."""
    return f"probability of {label}"
