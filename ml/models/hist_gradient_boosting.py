"""Histogram gradient boosting of scikit-learn."""

from __future__ import annotations

from pydantic import Field

from ml.runtime.model import Model, ModelParameters, Range


class Parameters(ModelParameters):
    """Of histogram gradient boosting."""

    learning_rate: float = Field(0.05, gt=0, le=1, description="share of each tree's step")
    max_iter: int = Field(200, ge=1, le=10_000, description="number of trees (per class)")
    max_leaf_nodes: int = Field(31, ge=2, le=4096, description="leaves per tree")
    min_samples_leaf: int = Field(20, ge=1, le=1_000_000, description="fewest rows in a leaf")
    max_features: float = Field(0.6, gt=0, le=1, description="share of inputs tried per split")
    l2_regularization: float = Field(1.0, ge=0, le=1e6, description="penalty on leaf values")


def build(parameters: Parameters, kind: str, seed: int, threads: int = 1):
    """A scikit-learn estimator; its threads are those that its caller allows."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    # stopping early would hold rows back at random; a fixed number of trees is reproducible
    options = {**parameters.model_dump(), "early_stopping": False, "random_state": seed}
    if kind == "regression":
        return HistGradientBoostingRegressor(**options)
    return HistGradientBoostingClassifier(**options)


def memory(parameters: Parameters, rows: int, inputs: int, outputs: int) -> int:
    """The inputs in bins of one byte, and gradients, hessians and predictions per output."""
    return rows * inputs + rows * outputs * 4 * 6


MODEL = Model(
    name="hist_gradient_boosting",
    help="boosted trees of scikit-learn; strong on mixed columns",
    accelerator="cpu",
    framework="scikit-learn",
    parameters=Parameters,
    build=build,
    search={
        "learning_rate": Range(0.01, 0.3, log=True),
        "max_iter": Range(50, 600, log=True),
        "max_leaf_nodes": Range(4, 128, log=True),
        "min_samples_leaf": Range(2, 100, log=True),
        "max_features": Range(0.3, 1.0),
        "l2_regularization": Range(0.0, 10.0),
    },
    explained_by="tree",
    memory=memory,
)
