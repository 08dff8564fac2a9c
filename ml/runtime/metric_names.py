"""The names of the metrics: which fit a kind of problem, and which way is better."""

from __future__ import annotations

from typing import Literal

AUTO = "auto"

Metric = Literal[
    "auto",
    "rmse",
    "mae",
    "mape",
    "r2",
    "accuracy",
    "balanced_accuracy",
    "f1_macro",
    "log_loss",
    "brier",
    "roc_auc",
]

DEFAULTS = {"regression": "rmse", "binary": "roc_auc", "multiclass": "f1_macro"}

_OF_NUMBERS = ("rmse", "mae", "mape", "r2")
_OF_CLASSES = ("accuracy", "balanced_accuracy", "f1_macro", "log_loss", "brier", "roc_auc")
_LESS_IS_BETTER = frozenset({"rmse", "mae", "mape", "log_loss", "brier"})


def of_kind(kind: str) -> tuple[str, ...]:
    """The metrics that fit a kind of problem, in the order they are shown."""
    return _OF_NUMBERS if kind == "regression" else _OF_CLASSES


def is_less_better(metric: str) -> bool:
    """Whether a smaller value is a better one."""
    return metric in _LESS_IS_BETTER
