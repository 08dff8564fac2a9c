"""Shapley values by what a model is made of: trees, coefficients, or neither."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# a bound on the work of sampling: rows that a model is asked to predict, all together
MAX_EVALUATIONS = 200_000
_LEAST_BACKGROUND = 10
# numbers that a model is given in one call: 32 MB
_MAX_CELLS = 1 << 22
# a bound on the work of trees, in steps of which a core does some 1e9 a second
MAX_TREE_STEPS = 2e10
# trees of this depth are taken for the deepest where a library does not tell the depth
_DEPTH = 20


@dataclass(frozen=True)
class Attribution:
    """What inputs, or columns, add to a model's outputs.

    Parameters
    ----------
    values : ndarray, shape (rows, inputs, outputs)
        One output for a number and for two classes (the second's), else one per class.
    base : ndarray, shape (rows, outputs)
    scale : str
        What base and values add up to, one of :data:`LINKS`.
    """

    values: np.ndarray
    base: np.ndarray
    scale: str

    def grouped(self, groups: np.ndarray, count: int) -> Attribution:
        """The sums over the inputs of each of `count` columns; `groups` gives an input's column."""
        member = np.zeros((count, len(groups)))
        member[groups, np.arange(len(groups))] = 1.0
        return Attribution(
            np.einsum("ci,rio->rco", member, self.values, optimize=False), self.base, self.scale
        )


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


# from what is added up to what the model predicts: a number, or probabilities
LINKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "number": lambda totals: totals,
    "probability": lambda totals: totals,
    "log-odds": lambda totals: 1.0 / (1.0 + np.exp(-totals)),
    "score": _softmax,
}


def by_trees(
    estimator: Any, inputs: np.ndarray, others: Callable[[], np.ndarray], of_classes: bool
) -> Attribution | None:
    """Exact values of an ensemble of trees; None of one that cannot be explained so in time.

    A library's own code is used where it has some (the same algorithm, and it knows its own
    trees): S. Lundberg et al., From local explanations to global understanding, 2020.
    """
    if len(inputs) * tree_steps(estimator) > MAX_TREE_STEPS:
        return None
    inner = _innermost(estimator)
    library = type(inner).__module__.split(".")[0]
    native = {"lightgbm": _lightgbm, "xgboost": _xgboost, "catboost": _catboost}.get(library)
    found = native(inner, inputs) if native else _sklearn_trees(inner, inputs)
    if found is None:
        return None
    values, base, is_probability = found
    return Attribution(values, base, _scale(of_classes, values.shape[2], is_probability))


def tree_steps(estimator: Any) -> float:
    """How many steps explaining one row exactly takes: leaves x depth², summed over the trees.

    A forest that was grown to its last row on a large table has billions of them.
    """
    inner = _innermost(estimator)
    if hasattr(inner, "estimators_"):
        trees = [one.tree_ for one in np.ravel(inner.estimators_)]
        return float(sum(one.n_leaves * one.max_depth**2 for one in trees))
    if hasattr(inner, "booster_"):
        return float(inner.booster_.num_trees() * inner.get_params()["num_leaves"] * _DEPTH**2)
    if hasattr(inner, "_predictors"):
        trees = [one for group in inner._predictors for one in group]
        return float(sum(one.get_n_leaf_nodes() * one.get_max_depth() ** 2 for one in trees))
    return 0.0


def by_coefficients(
    estimator: Any, inputs: np.ndarray, others: Callable[[], np.ndarray], of_classes: bool
) -> Attribution | None:
    """Exact values of a linear model: coefficient times distance from the background's mean."""
    inner = _innermost(estimator)
    if not hasattr(inner, "coef_"):
        return None
    weights = np.atleast_2d(np.asarray(inner.coef_, float))
    intercept = np.atleast_1d(np.asarray(inner.intercept_, float))
    centre = others().mean(axis=0)
    # no matrix product: its sums would be in another order on another processor
    base = (weights * centre).sum(axis=1) + intercept
    values = (inputs - centre)[:, :, None] * weights.T[None, :, :]
    return Attribution(
        values, np.tile(base, (len(inputs), 1)), _scale(of_classes, len(weights), False)
    )


def by_sampling(
    predict: Callable[[np.ndarray], np.ndarray],
    inputs: np.ndarray,
    others: np.ndarray,
    groups: np.ndarray,
    count: int,
    of_classes: bool,
    seed: int,
) -> Attribution:
    """Values of any model: whole columns are shown in a random order, and in its reverse.

    Each row has an order of its own; its values add up exactly whatever the order is. By pairs of
    orders as in R. Mitchell et al., Sampling permutations for Shapley value estimation, 2022;
    shap's own code for it compiles for many seconds in each process.

    Parameters
    ----------
    predict : callable
        Inputs of shape (rows, inputs) → numbers of shape (rows, outputs).
    inputs, others : ndarray, shape (rows, inputs)
        What is explained, and the background that stands where a column is hidden. Less of the
        background is used where all of it would ask the model for more than
        :data:`MAX_EVALUATIONS` rows.
    groups : ndarray, shape (inputs,)
        The column of each input.
    count : int
        How many columns there are.
    of_classes : bool
        Whether the numbers are probabilities.
    seed : int
    """
    random = np.random.default_rng(seed)
    affordable = MAX_EVALUATIONS // (max(len(inputs), 1) * 2 * count)
    count_kept = min(len(others), max(_LEAST_BACKGROUND, affordable))
    # all over, since rows may lie in an order: the first of them would be those of one time
    kept = others[np.linspace(0, len(others) - 1, count_kept).astype(int)]
    found = [
        _shown_in_turn(predict, row, kept, groups, random.permutation(count)) for row in inputs
    ]
    values, base = (np.array(part) for part in zip(*found, strict=True))
    return Attribution(values, base, _scale(of_classes, 1, of_classes))


def _shown_in_turn(
    predict: Callable[[np.ndarray], np.ndarray],
    row: np.ndarray,
    background: np.ndarray,
    groups: np.ndarray,
    order: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """What each column adds when it is shown, shape (columns, outputs), and what is there before.

    It is the mean over the order and its reverse.
    """
    count = len(order)
    # row k of the first: the first k columns of the order are shown; of the second: the last k
    shown = np.zeros((2, count + 1, count), dtype=bool)
    for k in range(1, count + 1):
        shown[0, k:, order[k - 1]] = True
        shown[1, k:, order[count - k]] = True
    masks = shown.reshape(-1, count)[:, groups]
    per_call = max(1, _MAX_CELLS // max(background.size, 1))
    means = []
    for start in range(0, len(masks), per_call):
        part = masks[start : start + per_call]
        rows = np.where(part[:, None, :], row, background).reshape(-1, len(row))
        said = predict(rows)
        means.append(said.reshape(len(part), len(background), -1).mean(axis=1))
    means = np.concatenate(means).reshape(2, count + 1, -1)
    added = np.diff(means, axis=1)
    values = np.empty_like(added[0])
    values[order] = added[0]
    values[order[::-1]] += added[1]
    return values / 2, means[0, 0]


def _innermost(estimator: Any) -> Any:
    """The library's own estimator in one of ours that wraps it."""
    while type(estimator).__module__.split(".")[0] == "ml":
        inner = [one for one in vars(estimator).values() if hasattr(one, "predict")]
        if len(inner) != 1:
            break
        estimator = inner[0]
    return estimator


def _scale(of_classes: bool, outputs: int, is_probability: bool) -> str:
    if not of_classes:
        return "number"
    if is_probability:
        return "probability"
    return "log-odds" if outputs == 1 else "score"


_Found = tuple[np.ndarray, np.ndarray, bool]


def _lightgbm(estimator: Any, inputs: np.ndarray) -> _Found:
    booster = estimator.booster_
    found = np.asarray(booster.predict(inputs, pred_contrib=True, num_threads=1), float)
    blocks = found.reshape(len(inputs), -1, inputs.shape[1] + 1)
    return _from_blocks(blocks)


def _xgboost(estimator: Any, inputs: np.ndarray) -> _Found:
    from xgboost import DMatrix

    booster = estimator.get_booster()
    found = np.asarray(booster.predict(DMatrix(inputs, nthread=1), pred_contribs=True), float)
    return _from_blocks(found.reshape(len(inputs), -1, inputs.shape[1] + 1))


def _catboost(estimator: Any, inputs: np.ndarray) -> _Found:
    from catboost import Pool

    found = np.asarray(
        estimator.get_feature_importance(
            Pool(inputs, thread_count=1), type="ShapValues", thread_count=1
        ),
        float,
    )
    return _from_blocks(found.reshape(len(inputs), -1, inputs.shape[1] + 1))


def _from_blocks(blocks: np.ndarray) -> _Found:
    """Of (rows, outputs, inputs + 1), the base last, as the libraries give it."""
    return blocks[:, :, :-1].transpose(0, 2, 1), blocks[:, :, -1], False


def _sklearn_trees(estimator: Any, inputs: np.ndarray) -> _Found | None:
    from shap import TreeExplainer
    from shap.utils._exceptions import InvalidModelError

    try:
        explainer = TreeExplainer(estimator, feature_perturbation="tree_path_dependent")
        # shap's own check would raise; ours falls back to sampling
        values = np.asarray(explainer.shap_values(inputs, check_additivity=False), float)
    except (InvalidModelError, NotImplementedError):
        return None
    base = np.atleast_1d(np.asarray(explainer.expected_value, float))
    if values.ndim == 2:
        values = values[:, :, None]
    is_probability = hasattr(estimator, "predict_proba") and not hasattr(
        estimator, "decision_function"
    )
    if is_probability and values.shape[2] == 2:
        values, base = values[:, :, 1:], base[1:]
    return values, np.tile(base, (len(inputs), 1)), is_probability
