"""Numbers on one scale that outliers do not spoil, missing ones at the median."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

# what lies outside these quantiles does not count for the spread
_INNER = (0.01, 0.99)
# spreads from the median up to which the scale is linear
LINEAR_TO = 6.0
_LARGEST = 1e300
# a spread that is less than this share of the largest value is rounding, not variation
_ROUNDING = 1e-14


class MedianScaler(TransformerMixin, BaseEstimator):
    """Centre on the median, divide by the spread, squash what lies far out.

    The spread is the standard deviation of the values brought into the range from their 1 % to
    their 99 % quantile; where these are equal, of all values. Beyond :data:`LINEAR_TO` spreads the
    scale is logarithmic: an outlier remains the largest value, but does not decide a linear model.
    The order of values is kept, so trees split as they would without scaling.

    NaN becomes 0, which is the median.
    """

    def fit(self, numbers: np.ndarray, target: object = None) -> MedianScaler:
        """Take median and spread from each column's numbers, shape (rows, columns)."""
        found = [_centre_and_spread(numbers[:, place]) for place in range(numbers.shape[1])]
        self.centre_ = np.array([centre for centre, _ in found], dtype=np.float64)
        self.spread_ = np.array([spread for _, spread in found], dtype=np.float64)
        return self

    def transform(self, numbers: np.ndarray) -> np.ndarray:
        """The scaled numbers: float64, finite, of the same shape."""
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = (numbers - self.centre_) / self.spread_
        far = np.abs(scaled) > LINEAR_TO
        if far.any():
            beyond = np.minimum(np.abs(scaled[far]), _LARGEST) - LINEAR_TO
            scaled[far] = np.copysign(LINEAR_TO + np.log1p(beyond), scaled[far])
        scaled[np.isnan(scaled)] = 0.0
        return scaled


def _centre_and_spread(values: np.ndarray) -> tuple[float, float]:
    present = values[~np.isnan(values)]
    if not len(present):
        return 0.0, 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        low, centre, high = np.quantile(present, (_INNER[0], 0.5, _INNER[1]))
        spread = np.clip(present, low, high).std() or present.std()
    if not np.isfinite(spread):
        spread = np.abs(present).max()
    least = _ROUNDING * max(abs(low), abs(high))
    return float(centre), float(spread) if spread > least else 1.0
