"""Scores: the model that a run would choose, beside scikit-learn's own default estimators.

On the sets that scikit-learn bundles, each divided several times over. Ours is chosen among a
run's default models as the training-summary chooses, over the folds of cross-validation within
training and validation part, then fitted on both; the defaults are fitted on the same rows, as
they come. Both are scored on the test part, which nobody looked at before. The best single default
is the one with the best mean over all divisions: it is chosen by the test part itself, which ours
is not.
"""

from __future__ import annotations

import statistics
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn import ensemble, linear_model, naive_bayes, neighbors, neural_network, svm, tree
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from ml.model_catalog import MODELS
from ml.phases._folds import AUTO_FOLDS
from ml.phases.pipeline import DEFAULT_MODELS
from ml.tabular.data.inspection import infer_schema
from ml.tabular.data.sources import load_builtin
from ml.tabular.learning.choosing import best_of
from ml.tabular.learning.fitting import fit
from ml.tabular.learning.metrics import score
from ml.tabular.learning.recipes import Recipe
from ml.tabular.learning.validation import cross_validate, prepared_folds
from ml.tabular.preparation.preprocessor import fit_preprocessor
from ml.tabular.preparation.split_plan import SplitPlan
from ml.tabular.preparation.splitting import Parts, split
from ml.tabular.schema import Schema

# set → how often it is divided: the larger, the fewer
DIVISIONS = {"diabetes": 20, "breast_cancer": 20, "iris": 20, "wine": 20, "digits": 5}
# the models and the rule by which a run chooses were made with the divisions of seeds below
FIRST_SEED = 200
# of the models that a run trains: CatBoost takes minutes for ten classes, PyTorch is not here
LEFT_OUT = ("catboost", "mlp")
CANDIDATES = tuple(name for name in DEFAULT_MODELS if name not in LEFT_OUT)


def run(echo: Callable[[str], None]) -> dict[str, float | str]:
    """Measure all sets."""
    figures: dict[str, float | str] = {}
    # what does not converge by default is what is compared with
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        for name, divisions in DIVISIONS.items():
            figures |= _compared(name, divisions, echo)
    behind = [name for name in DIVISIONS if figures[f"{name}_ours"] < figures[f"{name}_default"]]
    figures["behind"] = ", ".join(behind) or "none"
    return figures


def _compared(name: str, divisions: int, echo: Callable[[str], None]) -> dict[str, float | str]:
    frame, target = load_builtin(f"builtin:{name}")
    schema = infer_schema(frame, target, name)
    metric = "accuracy" if schema.is_classification else "r2"
    ours: list[float] = []
    chosen: Counter[str] = Counter()
    theirs: dict[str, list[float]] = {}
    for seed in range(FIRST_SEED, FIRST_SEED + divisions):
        parts = split(frame, schema, test_share=0.2, validation_share=0.2, seed=seed)
        model = _chosen(parts, schema, metric, seed)
        chosen[model] += 1
        preprocessor = fit_preprocessor(parts.train, schema, seed)
        own = MODELS[model].parameters()
        ours.append(fit(parts, schema, preprocessor, model, own, seed).test[metric])
        for default, value in _defaults_scored(parts, schema, metric, seed):
            theirs.setdefault(default, []).append(value)
    means = {default: statistics.mean(values) for default, values in theirs.items()}
    best = max(means, key=means.__getitem__)
    mean = statistics.mean(ours)
    picked = ", ".join(f"{model} {count}" for model, count in chosen.most_common())
    echo(f"{name}: {metric} {mean:.4f} ({picked}); best default {best} {means[best]:.4f}")
    return {
        f"{name}_ours": mean,
        f"{name}_default": means[best],
        f"{name}_difference": mean - means[best],
        f"{name}_default_is": best,
        f"{name}_chosen": picked,
    }


def _chosen(parts: Parts, schema: Schema, metric: str, seed: int) -> str:
    rows = pd.concat([parts.train, parts.validation])
    folds = list(prepared_folds(rows, schema, SplitPlan(), AUTO_FOLDS, seed))
    crossed = {
        name: cross_validate(Recipe(MODELS[name], MODELS[name].parameters(), seed), folds, schema)
        for name in CANDIDATES
        if schema.kind in MODELS[name].kinds
    }
    return best_of(crossed, metric, AUTO_FOLDS)


def _defaults_scored(
    parts: Parts, schema: Schema, metric: str, seed: int
) -> Iterator[tuple[str, float]]:
    rows = pd.concat([parts.train, parts.validation])
    for name, estimator in _defaults(schema, seed).items():
        estimator.fit(_features(rows, schema), _target(rows, schema))
        predicted = estimator.predict(_features(parts.test, schema))
        truth = _target(parts.test, schema)
        if schema.is_classification:
            yield name, float((predicted == truth).mean())
        else:
            yield name, score(truth, predicted, None, schema)[metric]


def _features(frame: pd.DataFrame, schema: Schema) -> np.ndarray:
    return frame[schema.features].to_numpy(dtype=np.float64)


def _target(frame: pd.DataFrame, schema: Schema) -> np.ndarray:
    if schema.is_classification:
        return frame[schema.target].astype(str).to_numpy(dtype=object)
    return frame[schema.target].to_numpy(dtype=np.float64)


def _defaults(schema: Schema, seed: int) -> dict[str, BaseEstimator]:
    seeded: dict[str, Any] = {"random_state": seed}
    if schema.is_classification:
        return {
            "logistic_regression": linear_model.LogisticRegression(**seeded),
            "random_forest": ensemble.RandomForestClassifier(**seeded),
            "extra_trees": ensemble.ExtraTreesClassifier(**seeded),
            "gradient_boosting": ensemble.GradientBoostingClassifier(**seeded),
            "hist_gradient_boosting": ensemble.HistGradientBoostingClassifier(**seeded),
            "svc": svm.SVC(**seeded),
            "k_neighbors": neighbors.KNeighborsClassifier(),
            "mlp": neural_network.MLPClassifier(**seeded),
            "gaussian_nb": naive_bayes.GaussianNB(),
            "decision_tree": tree.DecisionTreeClassifier(**seeded),
        }
    return {
        "linear_regression": linear_model.LinearRegression(),
        "ridge": linear_model.Ridge(**seeded),
        "random_forest": ensemble.RandomForestRegressor(**seeded),
        "extra_trees": ensemble.ExtraTreesRegressor(**seeded),
        "gradient_boosting": ensemble.GradientBoostingRegressor(**seeded),
        "hist_gradient_boosting": ensemble.HistGradientBoostingRegressor(**seeded),
        "svr": svm.SVR(),
        "k_neighbors": neighbors.KNeighborsRegressor(),
        "mlp": neural_network.MLPRegressor(**seeded),
        "decision_tree": tree.DecisionTreeRegressor(**seeded),
    }
