"""Inputs of texts of a few words: what they are about, in a few numbers."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from ml.tabular.category_inputs import used_values
from ml.tabular.scaling import MedianScaler

MAX_INPUTS = 16
# what n-grams there are is learned from so many rows, drawn by the seed
MAX_SAMPLE = 20_000
MAX_NGRAMS = 4096
# what follows in a text is not looked at: it bounds the time per row
MAX_CHARACTERS = 300
# kernels of linear algebra differ in their last bits from processor to processor
_DIGITS = 9


class TextInputs(TransformerMixin, BaseEstimator):
    """One column of texts: TF-IDF of pieces of three letters, in few dimensions, and a flag.

    Pieces of letters are the same for words that are spelled a little differently. A text without
    a known piece is 0 in all inputs, as a missing one.

    Parameters
    ----------
    seed : int
        Of the rows that are drawn, and of the decomposition.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, features: pd.DataFrame, target: object = None) -> TextInputs:
        """Learn pieces and dimensions from one Categorical column, shape (rows, 1)."""
        name = features.columns[0]
        values = features[name].dropna()
        self.has_gaps_ = len(values) < len(features)
        self.pipeline_ = self._fitted(_drawn(values, self.seed))
        self.size_ = self.pipeline_[1].n_components if self.pipeline_ else 0
        self.names_ = [f"{name} {number + 1}" for number in range(self.size_)]
        self.names_ += [f"{name} missing"] if self.has_gaps_ or not self.size_ else []
        self.origins_ = [name] * len(self.names_)
        return self

    def transform(self, features: pd.DataFrame) -> np.ndarray:
        """Shape (rows, inputs); each text is looked at once, however many rows have it."""
        codes, texts = used_values(features.iloc[:, 0])
        # the last row is for those that are missing, which have the code -1
        inputs = np.zeros((len(texts) + 1, len(self.names_)))
        if self.size_ and len(texts):
            inputs[:-1, : self.size_] = self.pipeline_.transform(_shortened(texts))
        inputs[-1, self.size_ :] = 1.0
        return inputs[codes]

    def _fitted(self, texts: list[str]):
        vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 3), max_features=MAX_NGRAMS, sublinear_tf=True
        )
        try:
            weights = vectorizer.fit_transform(texts)
        except ValueError:
            # not a single piece, as of texts of blanks
            return None
        size = min(MAX_INPUTS, min(weights.shape) - 1)
        if size < 1:
            return None
        svd = TruncatedSVD(size, algorithm="arpack", random_state=self.seed)
        with threadpool_limits(1), warnings.catch_warnings():
            # of texts that are all alike: no variance to share out
            warnings.filterwarnings("ignore", category=RuntimeWarning)
            svd.fit(weights)
        svd.components_ = np.round(svd.components_, _DIGITS)
        scaler = MedianScaler().fit(svd.transform(weights))
        return make_pipeline(vectorizer, svd, scaler)


def _drawn(values: pd.Series, seed: int) -> list[str]:
    if len(values) > MAX_SAMPLE:
        places = np.random.default_rng(seed).choice(len(values), MAX_SAMPLE, replace=False)
        values = values.iloc[np.sort(places)]
    return _shortened(values.astype(object))


def _shortened(texts: pd.Series | pd.Index) -> list[str]:
    return [text[:MAX_CHARACTERS] for text in texts]
