"""Gradient boosting by CatBoost."""

from __future__ import annotations

from pydantic import Field

from ml.runtime.model import Model, ModelParameters, Range


class Parameters(ModelParameters):
    """Of CatBoost."""

    learning_rate: float = Field(0.05, gt=0, le=1, description="share of each tree's step")
    iterations: int = Field(400, ge=1, le=10_000, description="number of trees")
    depth: int = Field(5, ge=1, le=12, description="levels per tree")
    l2_leaf_reg: float = Field(5.0, ge=0, le=1e6, description="penalty on leaf values")
    random_strength: float = Field(1.0, ge=0, le=1e3, description="noise in choosing a split")


def build(parameters: Parameters, kind: str, seed: int, threads: int = 1):
    """A CatBoost estimator that writes nothing into the working directory."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    from ml.tabular.learning.cat_boosting import CatBoost

    options = {
        **parameters.model_dump(),
        "random_seed": seed,
        "thread_count": threads,
        "allow_writing_files": False,
        "verbose": False,
    }
    if kind == "regression":
        return CatBoost(CatBoostRegressor(**options))
    loss = "Logloss" if kind == "binary" else "MultiClass"
    return CatBoost(CatBoostClassifier(**options, loss_function=loss))


def memory(parameters: Parameters, rows: int, inputs: int, outputs: int) -> int:
    """The inputs in single precision and in bins, and what ordered boosting holds per output."""
    return rows * inputs * (4 + 1) + rows * outputs * 8 * 12


MODEL = Model(
    name="catboost",
    help="boosted symmetric trees of CatBoost; strong without tuning",
    accelerator="cpu",
    framework="catboost",
    parameters=Parameters,
    build=build,
    search={
        "learning_rate": Range(0.01, 0.3, log=True),
        "iterations": Range(100, 800, log=True),
        "depth": Range(3, 8),
        "l2_leaf_reg": Range(0.5, 20.0, log=True),
        "random_strength": Range(0.1, 5.0, log=True),
    },
    explained_by="tree",
    memory=memory,
)
