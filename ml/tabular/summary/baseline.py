"""What a prediction is worth that looks at no column: the mean, or the classes' shares."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.tabular.conforming import conform_target
from ml.tabular.learning.metrics import score
from ml.tabular.schema import Schema


def baseline_scores(target: pd.Series, truth: pd.Series, schema: Schema) -> dict[str, float]:
    """The scores of a prediction that is the same for every row.

    Parameters
    ----------
    target : Series
        The training part's targets: their mean, or their most frequent class, is predicted.
    truth : Series
        The test part's targets, conforming.
    schema : Schema

    Returns
    -------
    dict
        Metric → value.
    """
    known = conform_target(target.dropna(), schema, "the training part")
    if not schema.is_classification:
        constant = np.full(len(truth), float(known.mean()))
        return score(truth.to_numpy(float), constant, None, schema)
    shares = np.array([(known == label).mean() for label in schema.classes])
    constant = np.full(len(truth), schema.classes[int(shares.argmax())], dtype=object)
    return score(
        truth.astype(str).to_numpy(object), constant, np.tile(shares, (len(truth), 1)), schema
    )
