"""Gradient boosting by LightGBM."""

from __future__ import annotations

from pydantic import Field

from ml.runtime.model import Model, ModelParameters


class Parameters(ModelParameters):
    """Of LightGBM."""

    learning_rate: float = Field(0.05, gt=0, le=1, description="share of each tree's step")
    n_estimators: int = Field(200, ge=1, le=10_000, description="number of trees (per class)")
    num_leaves: int = Field(31, ge=2, le=4096, description="leaves per tree")
    min_child_samples: int = Field(20, ge=1, description="fewest rows in a leaf")
    reg_lambda: float = Field(0.0, ge=0, description="penalty on leaf values")


def build(parameters: Parameters, kind: str, seed: int):
    """A LightGBM estimator whose result depends on neither the node nor its cores."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    options = {
        **parameters.model_dump(),
        "random_state": seed,
        "n_jobs": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    return LGBMRegressor(**options) if kind == "regression" else LGBMClassifier(**options)


MODEL = Model(
    name="lightgbm",
    help="boosted trees of LightGBM; fast on large tables",
    accelerator="cpu",
    framework="lightgbm",
    parameters=Parameters,
    build=build,
)
