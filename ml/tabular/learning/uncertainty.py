"""How far a prediction may be off: an interval around a number that holds most new targets."""

from __future__ import annotations

import math

import numpy as np

COVERAGE = 0.9


def half_width(
    truth: np.ndarray, prediction: np.ndarray, coverage: float = COVERAGE
) -> float | None:
    """Half the width of a split-conformal interval: J. Lei et al., Distribution-free predictive
    inference for regression, 2018.

    A new row's target lies within it with at least this probability if the row comes from where
    these rows came from, and the estimator is the one whose errors these are. There is no such
    promise where rows were divided by group or time, where parameters were chosen by these rows,
    or for an estimator that was fitted again with these rows too: it is another one, most often a
    little better.

    Parameters
    ----------
    truth, prediction : ndarray, shape (rows,)
        Of rows that the model was not fitted on.
    coverage : float
        Between 0 and 1.

    Returns
    -------
    float or None
        In the target's unit; None where the rows are too few to say (9 at least for 90 %).
    """
    rows = len(truth)
    rank = math.ceil((rows + 1) * coverage)
    if rank > rows:
        return None
    errors = np.abs(truth - prediction)
    return float(np.partition(errors, rank - 1)[rank - 1])
