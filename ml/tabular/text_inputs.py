"""Inputs of texts of a few words: what they are about, in a few numbers."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Normalizer
from threadpoolctl import threadpool_limits

from ml.tabular.category_inputs import used_values
from ml.tabular.scaling import MedianScaler

MAX_INPUTS = 16
# what pieces there are is learned from so many rows, drawn by the seed
MAX_SAMPLE = 20_000
MAX_PIECES = 4096
# what follows in a text is not looked at: it bounds the time per row
MAX_CHARACTERS = 300
# a direction in which texts differ less than this, beside the first one, is noise
LEAST_OF_FIRST = 0.01
_ROUNDS = 7
# kernels of linear algebra differ in their last bits from processor to processor
_DIGITS = 9


class TextInputs(TransformerMixin, BaseEstimator):
    """One column of texts: TF-IDF of pieces of three letters in few dimensions, and a flag.

    Pieces of letters are the same for words that are spelled a little differently. A text without
    a known piece lies where a missing one does.

    Latent semantic analysis (S. Deerwester et al., Indexing by latent semantic analysis, 1990), as
    a pipeline of :class:`TfidfVectorizer`, :class:`TruncatedSVD` and :class:`Normalizer`. No piece
    reaches over the end of a word, so a text lies where the sum of its words does: each word is
    looked at once.

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
        gaps = len(values) < len(features)
        texts = _drawn(values, self.seed)
        self.words_ = self._fitted(texts.to_pylist())
        self.size_ = len(self.words_[-1].components_) if self.words_ else 0
        if self.size_:
            self.scaler_ = MedianScaler().fit(self._placed(texts))
        self.names_ = [f"{name} {number + 1}" for number in range(self.size_)]
        self.names_ += [f"{name} missing"] if gaps or not self.size_ else []
        self.origins_ = [name] * len(self.names_)
        return self

    def transform(self, features: pd.DataFrame) -> np.ndarray:
        """Shape (rows, inputs); each text is looked at once, however many rows have it."""
        codes, found = used_values(features.iloc[:, 0])
        # the last row is for those that are missing, which have the code -1
        inputs = np.zeros((len(found) + 1, len(self.names_)))
        inputs[-1, self.size_ :] = 1.0
        if self.size_:
            inputs[:-1, : self.size_] = self._placed(_shortened(found))
            inputs[:, : self.size_] = self.scaler_.transform(inputs[:, : self.size_])
        return inputs[codes]

    def _fitted(self, texts: list[str]) -> Pipeline | None:
        """Pieces and dimensions, for words; None where texts have nothing in common."""
        pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), max_features=MAX_PIECES)
        try:
            weights = pieces.fit_transform(texts)
        except ValueError:
            # not a single piece, as of texts of blanks
            return None
        size = min(MAX_INPUTS, min(weights.shape) - 1)
        if size < 1:
            return None
        # other algorithms start anew at random, by what ran before them in the process
        svd = TruncatedSVD(size, algorithm="randomized", n_iter=_ROUNDS, random_state=self.seed)
        with threadpool_limits(1), warnings.catch_warnings():
            # of texts that are all alike: no variance to share out
            warnings.filterwarnings("ignore", category=RuntimeWarning)
            svd.fit(weights)
        telling = svd.singular_values_ > LEAST_OF_FIRST * svd.singular_values_[0]
        svd.components_ = np.round(svd.components_[telling], _DIGITS)
        # words are summed before a text is brought to length 1
        return make_pipeline(pieces.set_params(norm=None), svd)

    def _placed(self, texts: pa.Array) -> np.ndarray:
        """Where texts lie, each at distance 1 from 0; shape (texts, size)."""
        split = pc.utf8_split_whitespace(texts)
        words = split.flatten().dictionary_encode()
        if not len(words):
            return np.zeros((len(texts), self.size_))
        places = self.words_.transform(words.dictionary.to_pylist())
        starts = np.cumsum([0, *pc.list_value_length(split).to_numpy(zero_copy_only=False)])
        codes = words.indices.to_numpy(zero_copy_only=False)
        counted = csr_array(
            (np.ones(len(codes)), codes, starts), shape=(len(texts), len(words.dictionary))
        )
        return Normalizer(copy=False).fit_transform(counted @ places)


def _drawn(values: pd.Series, seed: int) -> pa.Array:
    if len(values) > MAX_SAMPLE:
        places = np.random.default_rng(seed).choice(len(values), MAX_SAMPLE, replace=False)
        values = values.iloc[np.sort(places)]
    return _shortened(values.astype(object))


def _shortened(texts: pd.Series | pd.Index) -> pa.Array:
    array = pa.array(texts, type=pa.large_string())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return pc.utf8_slice_codeunits(array, 0, MAX_CHARACTERS)
