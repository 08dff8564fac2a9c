"""Fitting one model on prepared data, and scoring it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ml.model_catalog import MODELS
from ml.tabular.conforming import conform_target
from ml.tabular.learning import intervals, recipes, uncertainty
from ml.tabular.learning.fitted_model import (
    PREDICTION,
    FittedModel,
    Predicted,
    as_frame,
    predicted_by,
    probability_column,
)
from ml.tabular.learning.metrics import score
from ml.tabular.learning.model_file import made_with
from ml.tabular.learning.recipes import Recipe, Samples
from ml.tabular.preparation.preprocessor import Preprocessor
from ml.tabular.preparation.splitting import Parts
from ml.tabular.schema import Schema

__all__ = [
    "PREDICTION",
    "Fit",
    "FittedModel",
    "fit",
    "fit_samples",
    "probability_column",
    "score_rows",
    "with_truth",
]

TRUTH = "truth"
PART = "part"
VALIDATION, TEST = "validation", "test"


@dataclass(frozen=True)
class Fit:
    """What came of fitting one model.

    Parameters
    ----------
    model : FittedModel
    validation, test : dict
        Metric → value on the two parts.
    validation_intervals, test_intervals : dict
        Metric → both ends of its 95 % interval.
    predictions : DataFrame
        Of both parts, in column ``part``: ``truth`` and what :meth:`FittedModel.predict` gives.
        Those of validation are from before the model was fitted on these rows, too.
    fit_seconds, predict_seconds : float
        Of the last fit, and of predicting the test part.
    history : dict
        Name → one number per iteration.
    device : str
        Where it was fitted.
    """

    model: FittedModel
    validation: dict[str, float]
    test: dict[str, float]
    validation_intervals: dict[str, tuple[float, float]]
    test_intervals: dict[str, tuple[float, float]]
    predictions: pd.DataFrame
    fit_seconds: float
    predict_seconds: float
    history: dict[str, list[float]]
    device: str = "cpu"

    def predictions_of(self, part: str) -> pd.DataFrame:
        """The predictions of ``validation`` or ``test``."""
        return self.predictions[self.predictions[PART] == part].drop(columns=PART)


def fit(
    parts: Parts,
    schema: Schema,
    preprocessor: Preprocessor,
    model_name: str,
    parameters: Any,
    seed: int,
    *,
    threads: int = 1,
    refit: bool = True,
) -> Fit:
    """Fit one model on the training part, and score it on the other two.

    Parameters
    ----------
    parts : Parts
    schema : Schema
    preprocessor : Preprocessor
        Fitted on ``parts.train``.
    model_name : str
        A name of :data:`ml.model_catalog.MODELS`.
    parameters : ModelParameters
        The model's own.
    seed : int
    threads, refit
        As of :class:`~ml.tabular.learning.recipes.Recipe` and :func:`fit_samples`.
    """
    recipe = Recipe(MODELS[model_name], parameters, seed, threads)
    samples = recipes.samples(parts, schema, preprocessor)
    return fit_samples(recipe, samples, parts, schema, preprocessor, refit=refit)


def fit_samples(
    recipe: Recipe,
    samples: Samples,
    parts: Parts,
    schema: Schema,
    preprocessor: Preprocessor,
    *,
    refit: bool = True,
) -> Fit:
    """Fit on rows that are inputs of an estimator already; otherwise as :func:`fit`.

    Parameters
    ----------
    recipe : Recipe
    samples : Samples
        Of ``parts``.
    parts : Parts
    schema : Schema
    preprocessor : Preprocessor
    refit : bool
        Whether the model is fitted again, on training and validation part, before it is scored on
        the test part and kept. The preprocessor stays as it is, and so does the width of the
        interval: it is that of the estimator before.
    """
    held_out = samples.validation
    estimator, seconds = _timed_fit(recipe, samples.train, schema)
    predicted = predicted_by(estimator, held_out.inputs, schema)
    half_width = (
        None
        if schema.is_classification
        else uncertainty.half_width(held_out.target, predicted.prediction)
    )
    validation, validation_intervals = _scored(held_out.target, predicted, schema)
    validation_rows = as_frame(predicted, schema, parts.validation.index, half_width)
    validation_rows.insert(0, TRUTH, held_out.target)
    if refit:
        estimator, seconds = _timed_fit(recipe, samples.train.with_rows_of(held_out), schema)

    versions = made_with(recipe.model.framework)
    model = FittedModel(recipe.model.name, schema, preprocessor, estimator, half_width, versions)
    started = time.perf_counter()
    test_rows = model.predict(parts.test, "test")
    predict_seconds = time.perf_counter() - started
    test_rows = with_truth(test_rows, parts.test, schema)
    test, test_intervals = _scored(
        test_rows[TRUTH].to_numpy(), _predicted_in(test_rows, schema), schema
    )
    return Fit(
        model=model,
        validation=validation,
        test=test,
        validation_intervals=validation_intervals,
        test_intervals=test_intervals,
        predictions=pd.concat({VALIDATION: validation_rows, TEST: test_rows}, names=[PART])
        .reset_index(level=PART)
        .astype({PART: "category"}),
        fit_seconds=seconds,
        predict_seconds=predict_seconds,
        history=dict(getattr(estimator, "history_", {})),
        device=getattr(estimator, "device_", "cpu"),
    )


def score_rows(predicted: pd.DataFrame, frame: pd.DataFrame, schema: Schema) -> dict[str, float]:
    """All metrics of predictions against the targets in the frame they were made of."""
    truth = conform_target(frame[schema.target], schema, "the target")
    found = _predicted_in(predicted, schema)
    return score(truth, found.prediction, found.probabilities, schema)


def with_truth(predicted: pd.DataFrame, frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Predictions with the true target in front of them, as column ``truth``."""
    truth = conform_target(frame[schema.target], schema, "the target")
    result = predicted.copy()
    result.insert(0, TRUTH, truth)
    return result


def _timed_fit(recipe: Recipe, sample: recipes.Sample, schema: Schema) -> tuple[Any, float]:
    started = time.perf_counter()
    estimator = recipe.fit(sample, schema)
    return estimator, time.perf_counter() - started


def _scored(
    truth: Any, predicted: Predicted, schema: Schema
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    scores = score(truth, predicted.prediction, predicted.probabilities, schema)
    found = intervals.intervals(
        scores, truth, predicted.prediction, predicted.probabilities, schema
    )
    return scores, found


def _predicted_in(frame: pd.DataFrame, schema: Schema) -> Predicted:
    """What columns of predictions hold."""
    probabilities = (
        frame[[probability_column(label) for label in schema.classes]].to_numpy(float)
        if schema.is_classification
        else None
    )
    return Predicted(frame[PREDICTION].to_numpy(), probabilities)
