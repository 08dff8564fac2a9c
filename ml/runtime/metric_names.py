"""The names of the metrics: which fit a kind of problem, and which way is better."""

from __future__ import annotations

from typing import Literal

AUTO = "auto"

Metric = Literal["auto", "rmse", "mae", "r2", "accuracy", "f1_macro", "log_loss", "roc_auc"]

DEFAULTS = {"regression": "rmse", "binary": "roc_auc", "multiclass": "f1_macro"}

_LESS_IS_BETTER = frozenset({"rmse", "mae", "log_loss"})


def of_kind(kind: str) -> tuple[str, ...]:
    """The metrics that fit a kind of problem, in the order they are shown."""
    if kind == "regression":
        return ("rmse", "mae", "r2")
    return ("accuracy", "f1_macro", "log_loss", "roc_auc")


def is_less_better(metric: str) -> bool:
    """Whether a smaller value is a better one."""
    return metric in _LESS_IS_BETTER
