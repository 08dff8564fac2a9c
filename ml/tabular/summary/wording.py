"""What the numbers of a run say in plain words: how good, how sure, what matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ml.runtime.metric_names import is_less_better
from ml.tabular.schema import Schema
from ml.tabular.summary.explaining import Explanation

MEANINGS = {
    "rmse": "root mean squared error, in the target's unit; large errors count more",
    "mae": "mean absolute error, in the target's unit",
    "mape": "mean absolute error as a share of the true value",
    "r2": "share of the target's variance that is explained; 1 is perfect",
    "accuracy": "share of rows whose class is right",
    "balanced_accuracy": "share of each class's rows whose class is right, averaged over classes",
    "f1_macro": "balance of found and rightly named, every class counting the same; 1 is perfect",
    "log_loss": "how far the probabilities are off; 0 is perfect",
    "brier": "squared distance of the probabilities from what was; 0 is perfect",
    "roc_auc": "how well the classes are ranked apart; 0.5 is guessing, 1 is perfect",
}
# of rank correlation: below it a column has no one direction
_TREND = 0.5
_NAMED = 3
_CLEAR = 0.8
_WORTH_A_NAME = 0.005


def baseline_name(schema: Schema) -> str:
    """What the baseline predicts, which looks at no column."""
    if schema.is_classification:
        return "always saying the most frequent class"
    return f"always saying the mean {schema.target}"


def headline(
    best: Mapping[str, Any],
    metric: str,
    schema: Schema,
    scores: Mapping[str, float],
    baseline: Mapping[str, float],
    rows: int | None = None,
) -> list[str]:
    """How good the best model is, against a prediction that looks at no column.

    Parameters
    ----------
    best : mapping
        Its row of the leaderboard.
    metric : str
    schema : Schema
    scores, baseline : mapping
        Metric → score on the test part, of the best model and of the baseline; may be empty.
    rows : int, optional
        Of the test part.
    """
    said = _in_plain_words(best["model"], schema, scores, baseline, rows)
    value, other = best.get("test"), baseline.get(metric)
    if value is None or pd.isna(value):
        return [*said, f"{best['model']} has no {metric} on the test part."]
    sentence = f"The test {metric} of {best['model']} is {value:.4g}{_span(best, 'test')}"
    if other is None or not np.isfinite(other):
        return [*said, f"{sentence}."]
    name = baseline_name(schema)
    said.append(f"{sentence}; {name} has {other:.4g}.")
    is_better = value < other if is_less_better(metric) else value > other
    if not is_better:
        said.append(f"That is no better than {name}: do not act by this model.")
    elif _reaches(best, other, metric):
        said.append("The interval of the test score reaches that: the gain may be chance.")
    return said


def _in_plain_words(
    model: str,
    schema: Schema,
    scores: Mapping[str, float],
    baseline: Mapping[str, float],
    rows: int | None,
) -> list[str]:
    metric = "accuracy" if schema.is_classification else "mae"
    value, other = scores.get(metric), baseline.get(metric)
    if value is None:
        return []
    said = f"On {rows:,} rows" if rows else "On rows"
    said += f" that it never saw, {model} predicts {schema.target}"
    name = baseline_name(schema)
    if schema.is_classification:
        said += f" rightly in {value:.1%} of them"
        compared = "" if other is None else f"; {name} is right in {other:.1%}"
    else:
        said += f" with an error of {value:.4g} on average"
        compared = "" if not other else f", {_less(value, other)} than {name} ({other:.4g})"
    return [f"{said}{compared}."]


def _less(value: float, other: float) -> str:
    return f"{1 - value / other:.0%} less" if value < other else f"{value / other - 1:.0%} more"


def chosen_by(folds: int) -> str:
    """What the best model was chosen by.

    Parameters
    ----------
    folds : int
        Over which all models were compared; 0 where the validation part decided.
    """
    return f"{folds}-fold cross-validation" if folds else "the validation part"


def choice(model: str, count: int, folds: int) -> list[str]:
    """By what a model was chosen among so many; nothing where there was no choice."""
    if count < 2:
        return []
    return [f"{model} is the best of {count} models by {chosen_by(folds)}."]


def caution(tied: Sequence[str], simplest: str, folds: int = 0) -> str:
    """What to say where other models may be as good as the best; empty where none is.

    Parameters
    ----------
    tied : sequence of str
        The best model, and those that may be as good.
    simplest : str
        The one of them to take where simple counts.
    folds : int
        As for :func:`chosen_by`.
    """
    if len(tied) < 2:
        return ""
    others = list(tied[1:])
    if len(others) > _NAMED:
        others = [*others[:_NAMED], f"{len(tied) - 1 - _NAMED} more"]
    why = (
        f"their means over the {folds} folds are within one standard error"
        if folds
        else "the intervals of their validation scores overlap"
    )
    said = f"These rows can hardly tell {tied[0]} from {_listed(others)}: {why}."
    if simplest == tied[0]:
        return f"{said} None of them is much simpler than {simplest}."
    return f"{said} {simplest} is the simplest, a much smaller model: it will do as well."


def explanation(
    shares: pd.Series, explained: Explanation, features: pd.DataFrame, schema: Schema
) -> list[str]:
    """Which columns matter, and which way the first few of them move the prediction.

    Parameters
    ----------
    shares : Series
        As :func:`ml.tabular.summary.explaining.importance` gives it.
    explained : Explanation
    features : DataFrame
        The explained rows, conforming.
    schema : Schema
    """
    if shares.empty or float(shares.iloc[0]) <= 0:
        return ["No column moves the prediction: the model says the same for every row."]
    first = shares[shares >= _WORTH_A_NAME].head(_NAMED)
    names = _listed([f"{name} ({share:.0%})" for name, share in first.items()])
    said = [f"What moves the prediction most: {names}."]
    most = int(np.searchsorted(shares.cumsum().to_numpy(), _CLEAR)) + 1
    if most < len(shares):
        columns = "column makes" if most == 1 else "columns make"
        said.append(f"{most} of {len(shares)} {columns} up {_CLEAR:.0%} of it.")
    if schema.kind != "multiclass":
        said += [
            text
            for name in first.index
            if (text := _direction(name, explained, features, schema)) is not None
        ]
    return said


def _direction(
    name: str, explained: Explanation, features: pd.DataFrame, schema: Schema
) -> str | None:
    kinds = {column.name: column.kind for column in schema.columns}
    if kinds[name] not in {"numeric", "datetime"}:
        return None
    values = features[name].astype(float)
    both = pd.DataFrame({"value": values, "effect": explained.contributions[name]}).dropna()
    if len(both) < 5 or both.nunique().min() < 2:
        return None
    trend = both.rank().corr().iloc[0, 1]
    if abs(trend) < _TREND:
        return None
    what = "A later" if kinds[name] == "datetime" else "A higher"
    return f"{what} {name} {'raises' if trend > 0 else 'lowers'} the {explained.output}."


def _span(row: Mapping[str, Any], part: str) -> str:
    low, high = row.get(f"{part} low"), row.get(f"{part} high")
    if low is None or high is None or pd.isna(low) or pd.isna(high):
        return ""
    return f" (95 % interval {low:.4g} to {high:.4g})"


def _reaches(best: Mapping[str, Any], other: float, metric: str) -> bool:
    worst = best.get("test high" if is_less_better(metric) else "test low")
    if worst is None or pd.isna(worst):
        return False
    return worst >= other if is_less_better(metric) else worst <= other


def _listed(texts: Sequence[str]) -> str:
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"
