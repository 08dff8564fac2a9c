"""CatBoost as every model is: one thread predicts, however many cores there are."""

from __future__ import annotations

from typing import Any

import numpy as np

from ml.tabular.learning.fitted_model import THREADS


class CatBoost:
    """Symmetric trees of CatBoost.

    Its own estimators take all cores to predict, whatever they were fitted with.

    Parameters
    ----------
    inner : CatBoostRegressor or CatBoostClassifier

    Attributes
    ----------
    classes_ : ndarray
        Sorted class labels; not for regression.
    """

    def __init__(self, inner: Any) -> None:
        self.inner_ = inner

    def fit(self, features: np.ndarray, target: np.ndarray) -> CatBoost:
        """Grow the trees on features of shape (rows, columns) and a target of shape (rows,)."""
        self.inner_.fit(features, target)
        if hasattr(self.inner_, "predict_proba"):
            self.classes_ = self.inner_.classes_
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Numbers, or class labels; shape (rows,)."""
        return np.ravel(self.inner_.predict(features, thread_count=THREADS))

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Probabilities, shape (rows, classes)."""
        return self.inner_.predict_proba(features, thread_count=THREADS)
