"""Gradient boosting by XGBoost on the CPU."""

from __future__ import annotations

from pydantic import Field

from ml.runtime.model import Model, ModelParameters, Range


class Parameters(ModelParameters):
    """Of XGBoost, on whatever device."""

    learning_rate: float = Field(0.05, gt=0, le=1, description="share of each tree's step")
    n_estimators: int = Field(200, ge=1, le=10_000, description="number of trees (per class)")
    max_depth: int = Field(5, ge=1, le=20, description="levels per tree")
    min_child_weight: float = Field(1.0, ge=0, le=1e6, description="least weight in a leaf")
    subsample: float = Field(0.8, gt=0, le=1, description="share of rows drawn per tree")
    colsample_bytree: float = Field(0.6, gt=0, le=1, description="share of inputs tried per tree")
    reg_lambda: float = Field(2.0, ge=0, le=1e6, description="penalty on leaf values")


SEARCH = {
    "learning_rate": Range(0.01, 0.3, log=True),
    "n_estimators": Range(50, 600, log=True),
    "max_depth": Range(2, 10),
    "min_child_weight": Range(0.5, 32.0, log=True),
    "subsample": Range(0.5, 1.0),
    "colsample_bytree": Range(0.3, 1.0),
    "reg_lambda": Range(0.01, 10.0, log=True),
}


def build(parameters: Parameters, kind: str, seed: int, threads: int = 1):
    """An XGBoost estimator that takes classes as texts."""
    from ml.tabular.learning.boosting import XGBoost

    return XGBoost(parameters.model_dump(), kind, seed, threads, on_gpu=False)


def memory(parameters: Parameters, rows: int, inputs: int, outputs: int) -> int:
    """The inputs in single precision and in bins, and gradients and predictions per output."""
    return rows * inputs * (4 + 2) + rows * outputs * 4 * 6


MODEL = Model(
    name="xgboost",
    help="boosted trees of XGBoost; strong on most tables",
    accelerator="cpu",
    framework="xgboost",
    parameters=Parameters,
    build=build,
    search=SEARCH,
    explained_by="tree",
    memory=memory,
)
