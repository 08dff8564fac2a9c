"""XGBoost as every model is: classes as texts, one place to fit, predictions on the CPU."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xgboost


class XGBoost:
    """Boosted trees of XGBoost for a number, two classes or more.

    They are grown by histograms. What is fitted predicts on the CPU, wherever it was fitted: a
    node without a GPU gives the same numbers.

    Parameters
    ----------
    options : mapping
        What :class:`xgboost.XGBModel` takes.
    kind : str
        ``regression``, ``binary`` or ``multiclass``.
    seed, threads : int
    on_gpu : bool
        Whether to fit on a GPU where there is one.

    Attributes
    ----------
    inner_ : XGBModel
    classes_ : ndarray
        Sorted class labels; not for regression.
    device_ : str
        Where it was fitted: ``cuda`` or ``cpu``.
    """

    def __init__(
        self, options: Mapping[str, Any], kind: str, seed: int, threads: int, *, on_gpu: bool
    ) -> None:
        self.options = dict(options)
        self.kind = kind
        self.seed = seed
        self.threads = threads
        self.on_gpu = on_gpu

    def fit(self, features: np.ndarray, target: np.ndarray) -> XGBoost:
        """Grow the trees on features of shape (rows, columns) and a target of shape (rows,)."""
        model = xgboost.XGBRegressor if self.kind == "regression" else xgboost.XGBClassifier
        # a build with CUDA that finds no GPU goes on with the CPU by itself
        cuda = self.on_gpu and bool(xgboost.build_info().get("USE_CUDA"))
        self.inner_ = model(
            **self.options,
            tree_method="hist",
            device="cuda" if cuda else "cpu",
            n_jobs=self.threads,
            random_state=self.seed,
            verbosity=0,
        )
        if self.kind != "regression":
            self.classes_, target = np.unique(target.astype(str), return_inverse=True)
        self.inner_.fit(features, target)
        booster = self.inner_.get_booster()
        used = json.loads(booster.save_config())["learner"]["generic_param"]["device"]
        self.device_ = used.partition(":")[0]
        self.inner_.set_params(device="cpu")
        booster.set_param({"device": "cpu"})
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Numbers in double precision, or class labels; shape (rows,)."""
        if self.kind == "regression":
            return self.inner_.predict(features).astype(np.float64)
        return self.classes_[self.predict_proba(features).argmax(axis=1)]

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Probabilities, shape (rows, classes)."""
        found = self.inner_.predict_proba(features).astype(np.float64)
        # in single precision they sum to one but for some 1e-7
        return found / found.sum(axis=1, keepdims=True)
