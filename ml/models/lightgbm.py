"""Gradient boosting by LightGBM."""

from __future__ import annotations

from pydantic import Field

from ml.runtime.model import Model, ModelParameters, Range


class Parameters(ModelParameters):
    """Of LightGBM."""

    learning_rate: float = Field(0.05, gt=0, le=1, description="share of each tree's step")
    n_estimators: int = Field(200, ge=1, le=10_000, description="number of trees (per class)")
    num_leaves: int = Field(31, ge=2, le=4096, description="leaves per tree")
    min_child_samples: int = Field(20, ge=1, le=1_000_000, description="fewest rows in a leaf")
    colsample_bytree: float = Field(0.6, gt=0, le=1, description="share of inputs tried per tree")
    reg_lambda: float = Field(1.0, ge=0, le=1e6, description="penalty on leaf values")


def build(parameters: Parameters, kind: str, seed: int, threads: int = 1):
    """A LightGBM estimator whose result depends on neither the node nor its cores."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    options = {
        **parameters.model_dump(),
        "random_state": seed,
        "n_jobs": threads,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    return LGBMRegressor(**options) if kind == "regression" else LGBMClassifier(**options)


def memory(parameters: Parameters, rows: int, inputs: int, outputs: int) -> int:
    """The inputs in bins of one byte, and gradients, hessians and predictions per output."""
    return rows * inputs + rows * outputs * 4 * 6


MODEL = Model(
    name="lightgbm",
    help="boosted trees of LightGBM; fast on large tables",
    accelerator="cpu",
    framework="lightgbm",
    parameters=Parameters,
    build=build,
    search={
        "learning_rate": Range(0.01, 0.3, log=True),
        "n_estimators": Range(50, 600, log=True),
        "num_leaves": Range(4, 128, log=True),
        "min_child_samples": Range(2, 100, log=True),
        "colsample_bytree": Range(0.3, 1.0),
        "reg_lambda": Range(0.0, 10.0),
    },
    explained_by="tree",
    memory=memory,
)
