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
from threadpoolctl import threadpool_limits

from ml.tabular.preparation.category_inputs import used_values
from ml.tabular.preparation.scaling import MedianScaler

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
# what is nearer to 0 is so by rounding
_SHORTEST = 1e-6


class TextInputs(TransformerMixin, BaseEstimator):
    """One column of texts: TF-IDF of pieces of three letters in few dimensions, and a flag.

    Pieces of letters are the same for words that are spelled a little differently. A text without
    a known piece lies where a missing one does.

    Latent semantic analysis (S. Deerwester et al., Indexing by latent semantic analysis, 1990):
    what a pipeline of :class:`TfidfVectorizer`, :class:`TruncatedSVD` and ``Normalizer``
    gives. No piece reaches over the end of a word, so a text lies where the sum of its words does,
    and each word is looked at once.

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
        self._learn(texts.to_pylist())
        self.size_ = self.places_.shape[1]
        if self.size_:
            self.scaler_ = MedianScaler().fit(self.placed(texts))
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
            inputs[:-1, : self.size_] = self.placed(_shortened(found))
            inputs[:, : self.size_] = self.scaler_.transform(inputs[:, : self.size_])
        return inputs[codes]

    def _learn(self, texts: list[str]) -> None:
        """Where each piece lies, in so many directions as texts have in common."""
        self.pieces_, self.places_ = np.empty(0, dtype=np.int64), np.empty((0, 0))
        vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 3), max_features=MAX_PIECES
        )
        try:
            weights = vectorizer.fit_transform(texts)
        except ValueError:
            # not a single piece, as of texts of blanks
            return
        size = min(MAX_INPUTS, min(weights.shape) - 1)
        if size < 1:
            return
        # other algorithms start anew at random, by what ran before them in the process
        svd = TruncatedSVD(size, algorithm="randomized", n_iter=_ROUNDS, random_state=self.seed)
        with threadpool_limits(1), warnings.catch_warnings():
            # of texts that are all alike: no variance to share out
            warnings.filterwarnings("ignore", category=RuntimeWarning)
            svd.fit(weights)
        telling = svd.singular_values_ > LEAST_OF_FIRST * svd.singular_values_[0]
        directions = np.round(svd.components_[telling], _DIGITS)
        letters = _letters("".join(vectorizer.get_feature_names_out())).reshape(-1, 3)
        numbers = _numbered(*letters.T)
        order = np.argsort(numbers)
        self.pieces_ = numbers[order]
        self.places_ = (vectorizer.idf_ * directions).T[order]

    def placed(self, texts: pa.Array) -> np.ndarray:
        """Where texts lie, each at distance 1 from 0 or at 0; shape (texts, directions)."""
        split = pc.utf8_split_whitespace(texts)
        words = split.flatten().dictionary_encode()
        numbers, word_of = _pieces(words.dictionary.to_pylist())
        at = np.searchsorted(self.pieces_, numbers)
        known = self.pieces_[np.minimum(at, len(self.pieces_) - 1)] == numbers
        of_words = _counts(word_of[known], at[known], len(words.dictionary), len(self.pieces_))
        text_of = pc.list_parent_indices(split).to_numpy()
        of_texts = _counts(text_of, words.indices.to_numpy(), len(texts), len(words.dictionary))
        places = of_texts @ (of_words @ self.places_)
        lengths = np.sqrt((places**2).sum(axis=1, keepdims=True))
        return np.divide(places, lengths, out=np.zeros_like(places), where=lengths > _SHORTEST)


def _pieces(words: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """All pieces of three letters, each as a number, and the place of the word that it is of.

    As TfidfVectorizer's ``char_wb`` has it: a word begins and ends with a blank.
    """
    letters = _letters(f" {' '.join(word.strip() for word in words)} ".lower())
    blank = letters == ord(" ")
    numbers = _numbered(letters[:-2], letters[1:-1], letters[2:])
    inside = ~blank[1:-1]
    return numbers[inside], (np.cumsum(blank)[1:-1] - 1)[inside]


def _letters(text: str) -> np.ndarray:
    """The code point of each letter."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)


def _numbered(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> np.ndarray:
    # a code point has 21 bits
    return (first << 42) | (second << 21) | third


def _counts(rows: np.ndarray, columns: np.ndarray, height: int, width: int) -> csr_array:
    """A matrix of how often a row has a column; rows ascend."""
    starts = np.searchsorted(rows, np.arange(height + 1))
    return csr_array((np.ones(len(rows)), columns, starts), shape=(height, width))


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
