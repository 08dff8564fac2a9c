"""Finding inputs for which a model predicts most, least or a given value, within constraints.

The search is Optuna's tree-structured Parzen estimator (J. Bergstra and others, 2011). It begins
with the best of the training rows, and predicts whole batches at once.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import pandas as pd

from ml.runtime.errors import UserError
from ml.tabular.expressions import Expression
from ml.tabular.learning.fitted_model import PREDICTION, FittedModel, probability_column
from ml.tabular.serving.search_space import Interval, Space

BATCH = 20
# the search begins with as many of the training rows
STARTED_FROM = 10
BEST = 5
# points that are nearer to each other are one, as a share of the whole space
DIFFERENT = 0.05
VALUE, ALLOWED = "value", "allowed"
_MISSED = "missed"


@dataclass(frozen=True)
class Goal:
    """What is wanted of the predictions.

    Parameters
    ----------
    direction : str
        ``maximize``, ``minimize`` or ``reach``.
    value : float, optional
        What is to be reached.
    label : str
        The class whose probability counts; empty for regression.
    """

    direction: str
    value: float | None = None
    label: str = ""

    def values(self, predicted: pd.DataFrame) -> np.ndarray:
        """What counts of predictions: the number, or the class's probability; shape (rows,)."""
        column = probability_column(self.label) if self.label else PREDICTION
        return predicted[column].to_numpy(dtype=np.float64)

    def loss(self, values: np.ndarray) -> np.ndarray:
        """How far values are from the goal; less is better."""
        if self.direction == "reach":
            return np.abs(values - self.value)
        return -values if self.direction == "maximize" else values


@dataclass(frozen=True)
class Search:
    """What a search found.

    Parameters
    ----------
    trials : DataFrame
        One row per trial: the features, ``value``, ``best`` (so far), ``allowed``.
    features : DataFrame
        The best points as the model takes them, the best first.
    points : list of dict
        The same as column → conforming value.
    predicted : DataFrame
        What the model says of them.
    stopped_by : str
        ``trials`` or ``seconds``.
    """

    trials: pd.DataFrame
    features: pd.DataFrame
    points: list[dict[str, Any]]
    predicted: pd.DataFrame
    stopped_by: str


def search(
    model: FittedModel,
    goal: Goal,
    space: Space,
    constraints: Sequence[Expression],
    training: pd.DataFrame,
    *,
    trials: int,
    seconds: float,
    seed: int,
) -> Search:
    """Search the space for what comes nearest to the goal.

    Parameters
    ----------
    model : FittedModel
    goal : Goal
    space : Space
    constraints : sequence of Expression
        Conditions that points must meet.
    training : DataFrame
        Some conforming rows of the training part: the search begins near the best of them.
    trials : int
    seconds : float
        No new batch is begun after so many; 0 for no limit, which gives the same result each time.
    seed : int

    Raises
    ------
    UserError
        No point meets the constraints; it says which one is missed, and by how much.
    """
    study = _study(seed)
    for point in _beginnings(model, goal, space, constraints, training):
        study.enqueue_trial(point, skip_if_exists=True)
    distributions = {name: _distribution(place) for name, place in space.free.items()}
    started = time.monotonic()
    tried: list[pd.DataFrame] = []
    missed: list[np.ndarray] = []
    done, stopped_by = 0, "trials"
    while done < trials:
        if seconds and done and time.monotonic() - started >= seconds:
            stopped_by = "seconds"
            break
        asked = [study.ask(distributions) for _ in range(min(BATCH, trials - done))]
        features = space.frame([trial.params for trial in asked])
        values = goal.values(model.predict_features(features))
        violations = _violations(constraints, features)
        for trial, loss, row in zip(asked, goal.loss(values), violations, strict=True):
            trial.set_user_attr(_MISSED, row.tolist())
            study.tell(trial, float(loss))
        tried.append(features.assign(**{VALUE: values}))
        missed.append(violations)
        done += len(asked)
    violations = np.concatenate(missed)
    _check_met(constraints, violations)
    features = pd.concat(tried, ignore_index=True)
    values = features.pop(VALUE).to_numpy()
    allowed = (violations == 0).all(axis=1)
    losses = np.where(allowed, goal.loss(values), np.inf)
    chosen = _different(features, losses, space)
    found = features.iloc[chosen].reset_index(drop=True)
    return Search(
        trials=features.assign(
            **{VALUE: values, "best": _best_so_far(values, losses), ALLOWED: allowed}
        ),
        features=found,
        points=found.to_dict(orient="records"),
        predicted=model.predict_features(found),
        stopped_by=stopped_by,
    )


def gower(one: pd.DataFrame, others: pd.DataFrame, scales: Mapping[str, float]) -> np.ndarray:
    """Distances between rows, shape (len(one), len(others)), each between 0 and 1.

    The mean over the columns (J. Gower, 1971): of numbers the difference as a share of the column's
    scale, 1 at most; of texts, and where one is missing, 0 or 1.

    Parameters
    ----------
    one, others : DataFrame
        Conforming, with the same columns.
    scales : mapping
        Column of numbers → what counts as far apart.
    """
    total = np.zeros((len(one), len(others)))
    for name in one.columns:
        if name in scales:
            left, right = one[name].to_numpy(float), others[name].to_numpy(float)
            gap = np.abs(left[:, None] - right[None, :]) / (scales[name] or 1.0)
            both = np.isnan(left)[:, None] & np.isnan(right)[None, :]
            total += np.where(both, 0.0, np.where(np.isnan(gap), 1.0, np.minimum(gap, 1.0)))
        else:
            left, right = (frame[name].astype(object).to_numpy() for frame in (one, others))
            left, right = (np.where(pd.isna(side), "", side.astype(str)) for side in (left, right))
            total += left[:, None] != right[None, :]
    return total / max(1, one.shape[1])


def remoteness(
    points: pd.DataFrame, training: pd.DataFrame, scales: Mapping[str, float]
) -> np.ndarray:
    """How lonely points are: the share of training rows that have a nearer neighbour, shape (n,).

    Of a typical training row it is 0.5; from 0.95 on the model extrapolates.
    """
    nearest = gower(points, training, scales).min(axis=1)
    among = gower(training, training, scales)
    np.fill_diagonal(among, np.inf)
    own = among.min(axis=1)
    return (own[None, :] < nearest[:, None]).mean(axis=1)


def _study(seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        # what is called experimental has been there for years
        warnings.simplefilter("ignore")
        sampler = optuna.samplers.TPESampler(
            seed=seed,
            multivariate=True,
            constant_liar=True,
            constraints_func=lambda trial: trial.user_attrs.get(_MISSED, ()),
        )
    return optuna.create_study(sampler=sampler)


def _distribution(place: Interval | list[str]) -> optuna.distributions.BaseDistribution:
    if isinstance(place, list):
        return optuna.distributions.CategoricalDistribution(place)
    if place.whole:
        return optuna.distributions.IntDistribution(int(place.low), int(place.high))
    return optuna.distributions.FloatDistribution(place.low, place.high)


def _beginnings(
    model: FittedModel,
    goal: Goal,
    space: Space,
    constraints: Sequence[Expression],
    training: pd.DataFrame,
) -> list[dict[str, Any]]:
    """The best points that are as near to training rows as the space lets them be."""
    points = space.inside(training)
    features = space.frame(points)
    losses = goal.loss(goal.values(model.predict_features(features)))
    missed = _violations(constraints, features).sum(axis=1)
    order = np.lexsort((losses, missed))[:STARTED_FROM]
    whole = {name for name, one in space.free.items() if isinstance(one, Interval) and one.whole}
    return [
        {name: int(value) if name in whole else value for name, value in points[place].items()}
        for place in order
    ]


def _violations(constraints: Sequence[Expression], features: pd.DataFrame) -> np.ndarray:
    """By how much each constraint is missed, shape (rows, constraints)."""
    if not constraints:
        return np.zeros((len(features), 0))
    return np.column_stack([one.violation(features) for one in constraints])


def _check_met(constraints: Sequence[Expression], violations: np.ndarray) -> None:
    if (violations == 0).all(axis=1).any():
        return
    least = violations.min(axis=0)
    never = [
        f"{one.text!r} is missed by {by:.4g} at least"
        for one, by in zip(constraints, least, strict=True)
        if by > 0
    ]
    told = "; ".join(never) or "each is met by some of them, but never all together"
    raise UserError(
        f"none of the {len(violations)} points that were tried meets the constraints: {told}",
        where="Search/constraints",
        mend="loosen the constraint, or widen the ranges of its columns",
    )


def _best_so_far(values: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """The value of the best allowed trial up to each one; NaN before the first."""
    best, least = [], np.inf
    current = np.nan
    for value, loss in zip(values, losses, strict=True):
        if loss < least:
            least, current = loss, value
        best.append(current)
    return np.array(best)


def _different(features: pd.DataFrame, losses: np.ndarray, space: Space) -> list[int]:
    """The positions of the best points that differ from each other, the best first."""
    scales = {
        name: one.high - one.low for name, one in space.free.items() if isinstance(one, Interval)
    }
    free = features[list(space.free)]
    chosen: list[int] = []
    for place in np.argsort(losses, kind="stable"):
        if not np.isfinite(losses[place]) or len(chosen) == BEST:
            break
        near = gower(free.iloc[[place]], free.iloc[chosen], scales) if chosen else np.ones((1, 1))
        if near.min() >= DIFFERENT:
            chosen.append(int(place))
    return chosen
