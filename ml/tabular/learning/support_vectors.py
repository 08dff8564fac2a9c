"""A support vector machine for a number or classes, with what it needs around it."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC, SVR
from sklearn.utils import Tags

from ml.runtime.errors import UserError

# what lies further out than this many deviations counts as this far, so that a rare value does not
# lie apart from all other rows
FURTHEST = 3.0
_FOLDS = 5


class SupportVectors(BaseEstimator):
    """Support vectors with a Gaussian kernel.

    Probabilities are the softmax of the decision values at a temperature that cross-validation
    finds (C. Guo et al., On calibration of modern neural networks, 2017).

    Parameters
    ----------
    kind : str
        ``regression``, ``binary`` or ``multiclass``.
    seed, penalty, width, epsilon
        See :class:`ml.models.svm.Parameters`.
    cache_megabytes : int
        How much of the kernel is kept.
    most_rows : int, optional
        Of more, so many are drawn at random to fit a number by; None takes all.

    Attributes
    ----------
    classes_ : ndarray
        Sorted class labels; not for regression.
    """

    def __init__(
        self,
        *,
        kind: str,
        seed: int,
        penalty: float,
        width: float,
        epsilon: float,
        cache_megabytes: int,
        most_rows: int | None = None,
    ) -> None:
        self.kind = kind
        self.seed = seed
        self.penalty = penalty
        self.width = width
        self.epsilon = epsilon
        self.cache_megabytes = cache_megabytes
        self.most_rows = most_rows

    def fit(self, features: np.ndarray, target: np.ndarray) -> SupportVectors:
        """Fit features of shape (rows, columns) to a target of shape (rows,)."""
        if self.kind == "regression" and self.most_rows and len(target) > self.most_rows:
            random = np.random.default_rng(self.seed)
            drawn = np.sort(random.choice(len(target), self.most_rows, replace=False))
            features, target = features[drawn], target[drawn]
        # a distance counts all inputs alike: each needs the same spread, whatever came before
        self._middle, spreads = features.mean(axis=0), features.std(axis=0)
        self._spreads = np.where(spreads > 0, spreads, 1.0)
        inputs = self._scaled(features)
        spread = inputs.var() or 1.0
        options = {
            "C": self.penalty,
            "gamma": self.width / (inputs.shape[1] * spread),
            "cache_size": self.cache_megabytes,
        }
        if self.kind == "regression":
            self._centre, self._scale = float(target.mean()), float(target.std()) or 1.0
            self.inner_ = SVR(**options, epsilon=self.epsilon)
            self.inner_.fit(inputs, (target - self._centre) / self._scale)
            return self
        self.classes_, counts = np.unique(target.astype(str), return_counts=True)
        rarest = int(counts.min())
        if rarest < 2:
            label = str(self.classes_[counts.argmin()])
            raise UserError(
                f"support vectors need 2 rows of each class to fit on, and {label!r} has {rarest}",
                where="Model/name",
                mend="choose another model, give more rows of that class, or set Model/folds to 0",
            )
        machine = SVC(**options)
        folds = StratifiedKFold(max(2, min(_FOLDS, rarest)), shuffle=True, random_state=self.seed)
        self.inner_ = CalibratedClassifierCV(
            machine, method="temperature", cv=folds, ensemble=False
        )
        self.inner_.fit(inputs, target.astype(str))
        return self

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Numbers or class labels, shape (rows,)."""
        if self.kind == "regression":
            return self.inner_.predict(self._scaled(features)) * self._scale + self._centre
        return self.classes_[self.predict_proba(features).argmax(axis=1)]

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Probabilities, shape (rows, classes)."""
        return self.inner_.predict_proba(self._scaled(features))

    def __sklearn_tags__(self) -> Tags:
        """What it is to scikit-learn, which averages it with others."""
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor" if self.kind == "regression" else "classifier"
        return tags

    def _scaled(self, features: np.ndarray) -> np.ndarray:
        return np.clip((features - self._middle) / self._spreads, -FURTHEST, FURTHEST)
