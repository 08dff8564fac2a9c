"""Gradient boosting by XGBoost on the GPU where there is one, else on the CPU."""

from __future__ import annotations

from ml.models.xgboost import SEARCH, Parameters, memory
from ml.runtime.model import Model

# how far scores may be apart, as a share, between trees grown on a GPU and on a CPU: rows are drawn
# by other random numbers there, and bins are cut a little differently
TOLERANCE = 0.02


def build(parameters: Parameters, kind: str, seed: int, threads: int = 1):
    """An XGBoost estimator that is fitted on a GPU where there is one."""
    from ml.tabular.learning.boosting import XGBoost

    return XGBoost(parameters.model_dump(), kind, seed, threads, on_gpu=True)


MODEL = Model(
    name="xgboost_gpu",
    help="boosted trees of XGBoost on a GPU; for very large tables",
    accelerator="gpu",
    framework="xgboost",
    parameters=Parameters,
    build=build,
    search=SEARCH,
    explained_by="tree",
    memory=memory,
    gpu_tolerance=TOLERANCE,
)
