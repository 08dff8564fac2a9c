"""What each column adds to predictions, by the libraries' own code for trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def contributions(model: dict[str, Any], features: pd.DataFrame) -> pd.DataFrame:
    """One column per column of the data, and ``base``; they add up to the predictions."""
    inputs, estimator = model["inputs"].transform(features), model["estimator"]
    if hasattr(estimator, "booster_"):
        found = estimator.booster_.predict(inputs, pred_contrib=True, num_threads=1)
        values, base = found[:, :-1], found[:, -1]
    else:
        from shap import TreeExplainer

        explainer = TreeExplainer(estimator, feature_perturbation="tree_path_dependent")
        values = explainer.shap_values(inputs, check_additivity=False)
        base = np.full(len(values), explainer.expected_value)
    if not np.allclose(base + values.sum(axis=1), estimator.predict(inputs), rtol=1e-3):
        raise ValueError("the contributions do not add up to the predictions")
    added = pd.DataFrame(values.T).groupby(model["inputs"].names).sum().T
    added.index = features.index
    return added.reindex(columns=features.columns, fill_value=0.0).assign(base=base)
