"""Histogram gradient boosting of scikit-learn."""

from __future__ import annotations

from pydantic import Field

from ml.runtime.model import Model, ModelParameters


class Parameters(ModelParameters):
    """Of histogram gradient boosting."""

    learning_rate: float = Field(0.1, gt=0, le=1, description="share of each tree's step")
    max_iter: int = Field(150, ge=1, le=10_000, description="number of trees (per class)")
    max_leaf_nodes: int = Field(31, ge=2, le=4096, description="leaves per tree")
    l2_regularization: float = Field(0.0, ge=0, description="penalty on leaf values")


def build(parameters: Parameters, kind: str, seed: int):
    """A scikit-learn estimator."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    # stopping early would hold rows back at random; a fixed number of trees is reproducible
    options = {**parameters.model_dump(), "early_stopping": False, "random_state": seed}
    if kind == "regression":
        return HistGradientBoostingRegressor(**options)
    return HistGradientBoostingClassifier(**options)


MODEL = Model(
    name="hist_gradient_boosting",
    help="boosted trees of scikit-learn; strong on mixed columns",
    accelerator="cpu",
    framework="scikit-learn",
    parameters=Parameters,
    build=build,
)
