"""The classes of a target as texts, however a frame holds them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api import types

from ml.tabular.schema import Schema

_BOOLEANS = {"true": "True", "false": "False"}


def class_labels(target: pd.Series) -> pd.Series:
    """A classification target as texts, the same for 1, 1.0 and True's own spelling."""
    if types.is_float_dtype(target) and (target.dropna() % 1 == 0).all():
        target = target.astype("Int64")
    return target.astype("string").astype(object)


def class_texts(target: pd.Series, schema: Schema) -> pd.Series:
    """A target's values as the schema spells its classes, whatever types this frame has.

    A value that is none of the classes stays as it is spelled itself.
    """
    known = set(schema.classes)
    by_number = {_number(label): label for label in reversed(schema.classes)}

    def spelled(text: str) -> str:
        if text in known:
            return text
        boolean = _BOOLEANS.get(text.strip().lower())
        if boolean in known:
            return boolean
        number = _number(text)
        return text if number is None else by_number.get(number, text)

    codes, values = pd.factorize(target)
    labels = [spelled(text) for text in class_labels(pd.Series(values))]
    # the last one is for those that are missing, which have the code -1
    texts = np.array([*labels, np.nan], dtype=object)
    return pd.Series(texts[codes], index=target.index, name=target.name, dtype=object)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
