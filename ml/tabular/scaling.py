"""Numbers on one scale that outliers do not spoil, missing ones at the median."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

# how far apart the quartiles of a normal distribution are, in standard deviations
_QUARTILES_APART = 1.3489795003921634
# spreads from the median up to which the scale is linear
LINEAR_TO = 6.0
_LARGEST = 1e300


class MedianScaler(TransformerMixin, BaseEstimator):
    """Centre on the median, divide by the spread, squash what lies far out.

    The spread is that of a normal distribution with the same quartiles; where the quartiles are
    equal it is the standard deviation. Beyond :data:`LINEAR_TO` spreads the scale is logarithmic:
    an outlier remains the largest value, but does not decide a linear model. The order of values
    is kept, so trees split as they would without scaling.

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
    low, centre, high = np.quantile(present, (0.25, 0.5, 0.75))
    spread = high / _QUARTILES_APART - low / _QUARTILES_APART
    if not spread > 0:
        with np.errstate(over="ignore", invalid="ignore"):
            spread = present.std()
        if not np.isfinite(spread):
            spread = np.abs(present).max()
    # a spread too small to divide by is rounding, not variation
    return float(centre), float(spread) if spread > np.finfo(np.float64).tiny else 1.0
