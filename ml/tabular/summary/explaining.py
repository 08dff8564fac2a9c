"""What each column adds to a prediction: Shapley values, per column of the data.

What a preprocessor makes of one column (its categories, its parts of a date) counts together, so
that a person reads the names that the data has.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ml.model_catalog import MODELS
from ml.tabular.conforming import conform
from ml.tabular.summary import attribution

if TYPE_CHECKING:
    from ml.tabular.learning.fitting import FittedModel

MAX_ROWS = 200
# fewer tell the shares of columns, too: sampling takes a while per row
LEAST_ROWS = 40
MAX_BACKGROUND = 100
# what is added up may differ from the model's own output by what single precision loses
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Explanation:
    """What each column adds to each prediction.

    Parameters
    ----------
    contributions : DataFrame
        Shape (rows, columns): one column per feature column of the data, in the schema's order;
        for more than two classes, what it adds for the predicted class.
    base : ndarray, shape (rows,)
        What is predicted where nothing is known; with a row's contributions it adds up to what
        the model gives for the row.
    output : str
        What they add up to, such as ``predicted price`` or ``log-odds of yes``.
    method : str
        ``tree``, ``linear`` or ``sampling``, as in :class:`ml.runtime.model.Model`.
    """

    contributions: pd.DataFrame
    base: np.ndarray
    output: str
    method: str

    @property
    def totals(self) -> np.ndarray:
        """What base and contributions add up to, shape (rows,)."""
        return self.base + self.contributions.to_numpy().sum(axis=1)


def explain(
    model: FittedModel,
    rows: pd.DataFrame,
    background: pd.DataFrame | Callable[[], pd.DataFrame],
    where: str,
    seed: int = 0,
) -> Explanation:
    """Explain predictions by what each column adds to them.

    Trees and linear models are explained exactly; what cannot be is by sampling: columns are
    replaced by those of background rows, in random orders.

    Parameters
    ----------
    model : FittedModel
    rows : DataFrame
        The rows to explain; extra columns are ignored.
    background : DataFrame, or callable
        Rows of the training part: what "nothing known" means. At most :data:`MAX_BACKGROUND` are
        taken. What reads them is called only where the model needs them: trees know what their
        own rows were.
    where : str
        Where the rows came from, for messages.
    seed : int
        The same seed gives the same numbers on every node.

    Raises
    ------
    DataError
        Rows that do not conform to the model's schema.
    """
    features = conform(rows, model.schema, where)
    inputs = np.asarray(model.preprocessor.transform(features), dtype=np.float64)

    @functools.cache
    def others() -> np.ndarray:
        drawn = sampled(background() if callable(background) else background, MAX_BACKGROUND, seed)
        conforming = conform(drawn, model.schema, "the training part")
        return np.asarray(model.preprocessor.transform(conforming), dtype=np.float64)

    groups = _groups(model)
    with threadpool_limits(1):
        method, found = _attribute(model, inputs, others, groups, seed)
    outputs = _chosen_outputs(model, inputs, found.values.shape[2])
    picked = np.arange(len(inputs))
    contributions = pd.DataFrame(
        found.values[picked, :, outputs], index=rows.index, columns=model.schema.features
    )
    output = _output_name(model, found.scale)
    return Explanation(contributions, found.base[picked, outputs], output, method)


def importance(explanation: Explanation) -> pd.Series:
    """How much each column matters: its share of all mean absolute contributions.

    Returns
    -------
    Series
        Column → share, the largest first, equal ones by name; the shares sum to 1, or are all 0
        where no column adds anything.
    """
    sizes = explanation.contributions.abs().mean(axis=0)
    total = float(sizes.sum())
    shares = sizes / total if total > 0 else sizes
    return shares.sort_index(kind="stable").sort_values(ascending=False, kind="stable")


def worthwhile_rows(model: FittedModel) -> int:
    """How many rows to explain for the shares of columns, in a time that anybody would wait."""
    declared = MODELS[model.name].explained_by if model.name in MODELS else "sampling"
    if declared == "sampling":
        return LEAST_ROWS
    steps = attribution.tree_steps(model.estimator) if declared == "tree" else 0.0
    affordable = attribution.MAX_TREE_STEPS / max(steps, 1.0)
    return int(min(MAX_ROWS, max(LEAST_ROWS, affordable)))


def sampled(frame: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    """At most `most` rows of a frame, drawn at random and kept in their order."""
    if len(frame) <= most:
        return frame
    positions = np.random.default_rng(seed).choice(len(frame), most, replace=False)
    return frame.iloc[np.sort(positions)]


def _groups(model: FittedModel) -> np.ndarray:
    """For each input the position of the column that it comes from, shape (inputs,)."""
    position = {name: index for index, name in enumerate(model.schema.features)}
    return np.array([position[name] for name in model.preprocessor.origins_], dtype=np.int64)


def _attribute(
    model: FittedModel,
    inputs: np.ndarray,
    others: Callable[[], np.ndarray],
    groups: np.ndarray,
    seed: int,
) -> tuple[str, attribution.Attribution]:
    columns = len(model.schema.features)
    declared = MODELS[model.name].explained_by if model.name in MODELS else "sampling"
    exact = {"tree": attribution.by_trees, "linear": attribution.by_coefficients}.get(declared)
    predict, of_classes = _predictor(model), model.schema.is_classification
    if exact is not None:
        found = exact(model.estimator, inputs, others, of_classes)
        # what does not add up to the model's own output explains another model
        if found is not None and _adds_up(found, predict(inputs)):
            return declared, found.grouped(groups, columns)
    found = attribution.by_sampling(predict, inputs, others(), groups, columns, of_classes, seed)
    return "sampling", found


def _predictor(model: FittedModel) -> Callable[[np.ndarray], np.ndarray]:
    """Inputs → numbers of shape (rows, outputs): the target, or the classes' probabilities."""
    estimator = model.estimator
    if not model.schema.is_classification:
        return lambda inputs: np.asarray(estimator.predict(inputs), float).reshape(-1, 1)

    def probabilities(inputs: np.ndarray) -> np.ndarray:
        found = np.asarray(estimator.predict_proba(inputs), float)
        # of two classes the second says it all
        return found[:, 1:] if found.shape[1] == 2 else found

    return probabilities


def _adds_up(found: attribution.Attribution, expected: np.ndarray) -> bool:
    totals = found.base + found.values.sum(axis=1)
    if totals.shape != expected.shape:
        return False
    reached = attribution.LINKS[found.scale](totals)
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    return bool(np.abs(reached - expected).max(initial=0.0) <= TOLERANCE * scale)


def _chosen_outputs(model: FittedModel, inputs: np.ndarray, count: int) -> np.ndarray:
    """Which output of each row is explained: the only one, or the predicted class's."""
    if count == 1:
        return np.zeros(len(inputs), dtype=np.int64)
    with threadpool_limits(1):
        return np.asarray(model.estimator.predict_proba(inputs), float).argmax(axis=1)


def _output_name(model: FittedModel, scale: str) -> str:
    if not model.schema.is_classification:
        return f"predicted {model.schema.target}"
    if model.schema.kind == "binary":
        return f"{scale} of {model.schema.classes[1]}"
    return f"{scale} of the predicted class"
