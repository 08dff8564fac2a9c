"""Inputs of numbers and dates: scaled values, parts of a date, and what was missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from ml.tabular.preparation.scaling import MedianScaler

_SECONDS_PER_DAY = 86400
# 1970-01-01 was a Thursday; Monday is 0
_FIRST_WEEKDAY = 3
DATE_PARTS = ("", "year", "month", "day of year", "weekday", "hour")


class NumberInputs(TransformerMixin, BaseEstimator):
    """Numeric columns: each scaled, and a flag for each that has gaps in training."""

    def fit(self, features: pd.DataFrame, target: object = None) -> NumberInputs:
        """Learn scale and gaps, column by column; shape (rows, columns) of float64."""
        names = list(features.columns)
        scalers = [MedianScaler().fit(_matrix(features[[name]])) for name in names]
        self.scaler_ = joined(scalers)
        self.gaps_ = _gaps(features)
        self.names_ = [*names, *(f"{names[place]} missing" for place in self.gaps_)]
        self.origins_ = [*names, *(names[place] for place in self.gaps_)]
        return self

    def transform(self, features: pd.DataFrame) -> np.ndarray:
        """Shape (rows, inputs): the scaled numbers, then the flags."""
        numbers = _matrix(features)
        return np.hstack([self.scaler_.transform(numbers), np.isnan(numbers[:, self.gaps_])])


class DateInputs(TransformerMixin, BaseEstimator):
    """Date columns: days since 1970 and those of their parts that vary in training.

    A missing date counts as the median day, and is flagged where training has such.
    """

    def fit(self, features: pd.DataFrame, target: object = None) -> DateInputs:
        """Learn the parts that vary, their scale and the gaps, column by column."""
        self.middle_, self.parts_, scalers = [], [], []
        self.names_: list[str] = []
        self.origins_: list[str] = []
        for name in features.columns:
            days = features[name].to_numpy()
            present = days[~np.isnan(days)]
            self.middle_.append(float(np.median(present)) if len(present) else 0.0)
            everything = date_parts(present)
            varying = [part for part, values in enumerate(everything.T) if _varies(values, part)]
            self.parts_.append(varying)
            scalers.append(MedianScaler().fit(everything[:, varying]))
            self.names_ += [f"{name} {DATE_PARTS[part]}".rstrip() for part in varying]
            self.origins_ += [name] * len(varying)
        self.scaler_ = joined(scalers)
        self.gaps_ = _gaps(features)
        flagged = [features.columns[place] for place in self.gaps_]
        self.names_ += [f"{name} missing" for name in flagged]
        self.origins_ += flagged
        return self

    def transform(self, features: pd.DataFrame) -> np.ndarray:
        """Shape (rows, inputs): each column's parts, scaled, then the flags."""
        days = _matrix(features)
        missing = np.isnan(days)
        days = np.where(missing, self.middle_, days)
        parts = [date_parts(days[:, place])[:, chosen] for place, chosen in enumerate(self.parts_)]
        return np.hstack([self.scaler_.transform(np.hstack(parts)), missing[:, self.gaps_]])


def date_parts(days: np.ndarray) -> np.ndarray:
    """Day, year, month, day of year, weekday and hour of days since 1970.

    Parameters
    ----------
    days : ndarray
        Shape (rows,), finite.

    Returns
    -------
    ndarray
        Shape (rows, 6), as :data:`DATE_PARTS` has it; Monday is 0.
    """
    moments = np.round(days * _SECONDS_PER_DAY).astype("datetime64[s]")
    whole = moments.astype("datetime64[D]")
    months, years = whole.astype("datetime64[M]"), whole.astype("datetime64[Y]")
    return np.column_stack(
        [
            days,
            years.astype(np.int64) + 1970,
            months.astype(np.int64) % 12 + 1,
            (whole - years.astype("datetime64[D]")).astype(np.int64) + 1,
            (whole.astype(np.int64) + _FIRST_WEEKDAY) % 7,
            (moments - whole.astype("datetime64[s]")).astype(np.int64) / 3600,
        ]
    ).astype(np.float64)


def joined(scalers: Sequence[MedianScaler]) -> MedianScaler:
    """One scaler for the columns of several, in their order."""
    whole = MedianScaler()
    whole.centre_ = np.concatenate([one.centre_ for one in scalers])
    whole.spread_ = np.concatenate([one.spread_ for one in scalers])
    return whole


def _varies(values: np.ndarray, part: int) -> bool:
    """Whether a part is worth an input; the day itself always is."""
    return part == 0 or (len(values) > 0 and bool((values != values[0]).any()))


def _gaps(features: pd.DataFrame) -> list[int]:
    return [place for place, name in enumerate(features) if features[name].isna().any()]


def _matrix(features: pd.DataFrame) -> np.ndarray:
    return features.to_numpy(dtype=np.float64)
