"""Which of several models is best, by cross-validation."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ml.runtime.metric_names import is_less_better

# differences below this share of a mean's standard error are none
_INDIFFERENT = 0.1
_LOSSES = ("log_loss", "rmse")

# metric → "mean" and "std" over the folds
Crossed = Mapping[str, Mapping[str, float]]


def best_of(crossed: Mapping[str, Crossed], metric: str, folds: int) -> str:
    """The name of the best model.

    It is the one with the best mean over the folds. Scores of few rows are often equal but for the
    sizes of the folds: of such models, those count whose loss is within one standard error of the
    least (L. Breiman et al., Classification and regression trees, 1984), and the one is taken whose
    loss varies least from fold to fold: it depends least on which rows it was fitted on.

    Parameters
    ----------
    crossed : mapping
        Name → what :func:`~ml.tabular.learning.validation.cross_validate`
        gives; all of the same folds.
    metric : str
        Each model has it.
    folds : int

    Raises
    ------
    ValueError
        There is no model.
    """
    sign = 1.0 if is_less_better(metric) else -1.0
    means = {name: sign * found[metric]["mean"] for name, found in crossed.items()}
    first = min(means, key=lambda name: (means[name], name))
    error = crossed[first][metric]["std"] / math.sqrt(folds)
    equal = [name for name, mean in means.items() if mean - means[first] <= _INDIFFERENT * error]
    losses = {name: _loss(crossed[name], metric) for name in equal}
    surest = min(losses.values(), key=lambda loss: loss["mean"])
    most = surest["mean"] + surest["std"] / math.sqrt(folds)
    near = [name for name, loss in losses.items() if loss["mean"] <= most]
    return min(near, key=lambda name: (losses[name]["std"], means[name], name))


def _loss(found: Crossed, metric: str) -> Mapping[str, float]:
    named = next((name for name in _LOSSES if name in found), None)
    if named is not None:
        return found[named]
    sign = 1.0 if is_less_better(metric) else -1.0
    return {"mean": sign * found[metric]["mean"], "std": found[metric]["std"]}
