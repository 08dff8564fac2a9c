"""Rows as estimators take them, and an estimator fitted on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ml.runtime.model import Model
from ml.tabular.conforming import conform, conform_target
from ml.tabular.preparation.preprocessor import Preprocessor
from ml.tabular.preparation.splitting import Parts
from ml.tabular.schema import Schema


@dataclass(frozen=True)
class Sample:
    """Rows as an estimator takes them.

    Parameters
    ----------
    inputs : ndarray, shape (rows, inputs)
    target : ndarray, shape (rows,)
        Numbers, or class texts.
    """

    inputs: np.ndarray
    target: np.ndarray

    def with_rows_of(self, other: Sample) -> Sample:
        """These rows, then the other's."""
        return Sample(
            np.concatenate([self.inputs, other.inputs]),
            np.concatenate([self.target, other.target]),
        )


@dataclass(frozen=True)
class Samples:
    """What a model is fitted on, and what it is chosen by."""

    train: Sample
    validation: Sample


@dataclass(frozen=True)
class Recipe:
    """What makes an estimator the one that it is.

    Parameters
    ----------
    model : Model
    parameters : ModelParameters
        The model's own.
    seed : int
    threads : int
        With which the estimator computes, however many cores there are: a fixed number gives the
        same bits on every node.
    """

    model: Model
    parameters: Any
    seed: int = 0
    threads: int = 1

    def fit(self, sample: Sample, schema: Schema) -> Any:
        """A new estimator, fitted on the sample."""
        estimator = self.model.build(self.parameters, schema.kind, self.seed, self.threads)
        with threadpool_limits(self.threads):
            estimator.fit(sample.inputs, sample.target)
        _predict_by_one_thread(estimator)
        return estimator


def samples(parts: Parts, schema: Schema, preprocessor: Preprocessor) -> Samples:
    """Training and validation part as estimators take them.

    Parameters
    ----------
    parts : Parts
    schema : Schema
    preprocessor : Preprocessor
        Fitted on ``parts.train``.
    """
    return Samples(
        train=training_sample(parts.train, schema, preprocessor, "the training part"),
        validation=sample(parts.validation, schema, preprocessor, "the validation part"),
    )


def training_sample(
    frame: pd.DataFrame, schema: Schema, preprocessor: Preprocessor, where: str
) -> Sample:
    """The very rows that the preprocessor was fitted on: no row is told its own target."""
    target = conform_target(frame[schema.target], schema, where)
    features = conform(frame, schema, where)
    return Sample(preprocessor.transform_training(features, target), target)


def sample(frame: pd.DataFrame, schema: Schema, preprocessor: Preprocessor, where: str) -> Sample:
    """Any other rows that have a target."""
    target = conform_target(frame[schema.target], schema, where)
    return Sample(preprocessor.transform(conform(frame, schema, where)), target)


def _predict_by_one_thread(estimator: Any) -> None:
    """Several threads would add up the trees of a forest in any order."""
    for one in (estimator, *getattr(estimator, "estimators_", ())):
        if hasattr(one, "n_jobs"):
            one.n_jobs = 1
