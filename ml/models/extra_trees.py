"""Extremely randomised trees of scikit-learn."""

from __future__ import annotations

from pydantic import Field

from ml.models.random_forest import NODE_BYTES
from ml.runtime.model import Choice, Model, ModelParameters, Range


class Parameters(ModelParameters):
    """Of the extremely randomised trees."""

    n_estimators: int = Field(200, ge=1, le=10_000, description="number of trees")
    max_depth: int = Field(0, ge=0, le=1000, description="levels per tree; 0 is no limit")
    min_samples_leaf: int = Field(1, ge=1, le=1_000_000, description="fewest rows in a leaf")
    max_features: float = Field(
        0.0, ge=0, le=1, description="share of inputs tried per split; 0 is all, or for classes √"
    )


def build(parameters: Parameters, kind: str, seed: int, threads: int = 1):
    """A scikit-learn estimator."""
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    is_number = kind == "regression"
    options = {
        "n_estimators": parameters.n_estimators,
        "max_depth": parameters.max_depth or None,
        "min_samples_leaf": parameters.min_samples_leaf,
        "max_features": parameters.max_features or (1.0 if is_number else "sqrt"),
        "n_jobs": threads,
        "random_state": seed,
    }
    return ExtraTreesRegressor(**options) if is_number else ExtraTreesClassifier(**options)


def memory(parameters: Parameters, rows: int, inputs: int, outputs: int) -> int:
    """The trees, and the matrix in single precision."""
    leaves = max(1.0, rows / parameters.min_samples_leaf)
    if parameters.max_depth:
        leaves = min(leaves, 2.0 ** min(parameters.max_depth, 60))
    nodes = 2 * leaves * parameters.n_estimators
    return int(nodes * (NODE_BYTES + 8 * outputs) + rows * inputs * 4)


MODEL = Model(
    name="extra_trees",
    help="many trees with random splits, averaged; few rows, many inputs",
    accelerator="cpu",
    framework="scikit-learn",
    parameters=Parameters,
    build=build,
    search={
        "n_estimators": Range(100, 600),
        "min_samples_leaf": Range(1, 32, log=True),
        "max_features": Choice((0.0, 0.2, 0.35, 0.5, 0.75)),
    },
    explained_by="tree",
    memory=memory,
)
