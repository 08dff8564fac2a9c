"""From columns to a matrix, written directly with NumPy, pandas and scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import KFold
from sklearn.preprocessing import Normalizer, OneHotEncoder, TargetEncoder

_FEW, _LEAST, _DRAWN, _PIECES, _DIRECTIONS = 20, 2, 20_000, 4096, 16
_MICROSECONDS_PER_DAY, _SECONDS_PER_DAY = 86_400_000_000.0, 86_400
_LINEAR_TO, _AT_A_TIME = 6.0, 16_384


def conforming(frame: pd.DataFrame, schema: dict[str, Any]) -> pd.DataFrame:
    """The features: numbers and days as float64, texts as Categoricals."""
    found = {}
    for column in schema["columns"]:
        name, values = column["name"], frame[column["name"]]
        if column["kind"] == "numeric":
            found[name] = values.to_numpy(np.float64, na_value=np.nan)
            if np.isinf(found[name]).any():
                raise ValueError(f"{name} holds infinite values")
        elif column["kind"] == "datetime":
            moments = values.to_numpy("datetime64[us]")
            days = moments.view(np.int64) / _MICROSECONDS_PER_DAY
            days[np.isnat(moments)] = np.nan
            found[name] = days
        elif isinstance(values.dtype, pd.CategoricalDtype):
            found[name] = values.array
        else:
            coded = pa.chunked_array(pa.array(values)).combine_chunks().dictionary_encode()
            codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            texts = pd.array(coded.dictionary, dtype="str")
            found[name] = pd.Categorical.from_codes(codes, pd.Index(texts))
    return pd.DataFrame(found, index=frame.index, copy=False)


class Scaler:
    """Median and spread of each column, NaN at the median, far values on a logarithmic scale."""

    def fit(self, numbers: np.ndarray) -> Scaler:
        found = []
        for column in numbers.T:
            present = column[~np.isnan(column)]
            low, centre, high = np.quantile(present, (0.01, 0.5, 0.99))
            found.append((centre, np.clip(present, low, high).std() or 1.0))
        self.centre, self.spread = np.array(found).T
        return self

    def transform(self, numbers: np.ndarray) -> np.ndarray:
        scaled = (numbers - self.centre) / self.spread
        far = np.abs(scaled) > _LINEAR_TO
        beyond = np.abs(scaled[far]) - _LINEAR_TO
        scaled[far] = np.copysign(_LINEAR_TO + np.log1p(beyond), scaled[far])
        scaled[np.isnan(scaled)] = 0.0
        return scaled


class Inputs:
    """The transformers of all columns, fitted on the training part."""

    def fit(self, features: pd.DataFrame, target: np.ndarray, schema: dict[str, Any]) -> Inputs:
        named: dict[str, list[str]] = {one: [] for one in ("numeric", "datetime", "text")}
        few, many = [], []
        for column in schema["columns"]:
            if column["kind"] == "category":
                codes = features[column["name"]].cat.codes.to_numpy()
                distinct = len(np.unique(codes[codes >= 0]))
                (few if distinct <= _FEW else many).append(column["name"])
            else:
                named[column["kind"]].append(column["name"])
        self.numbers, self.dates, self.texts = named.values()
        self.few, self.many = few, many
        self.gaps = [name for name in [*self.numbers, *self.dates] if features[name].isna().any()]
        self.number_scaler = joined(
            [Scaler().fit(features[[name]].to_numpy()) for name in self.numbers]
        )
        if self.dates:
            days = [features[name].dropna().to_numpy() for name in self.dates]
            parts = [date_parts(one) for one in days]
            self.middle = [np.median(one) for one in days]
            self.varying = [np.flatnonzero((one != one[0]).any(axis=0)) for one in parts]
            self.date_scaler = joined(
                [
                    Scaler().fit(one[:, chosen])
                    for one, chosen in zip(parts, self.varying, strict=True)
                ]
            )
        self.known = {name: _frequent(features[name]) for name in [*few, *many]}
        if few:
            self.one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
            self.one_hot.fit(self._codes(features, few))
        if many:
            self.fit_means(features, target)
        self.pipelines = [_of_texts(features[name]) for name in self.texts]
        self.names = self._names()
        return self

    def fit_means(self, features: pd.DataFrame, target: np.ndarray) -> np.ndarray:
        """The targets' means by value, cross-fitted for the rows that they are learned of."""
        folds = KFold(5, shuffle=True, random_state=0)
        self.means = TargetEncoder(target_type="continuous", cv=folds)
        encoded = self.means.fit_transform(self._codes(features, self.many), target)
        self.mean_scaler = Scaler().fit(encoded)
        return self.mean_scaler.transform(encoded)

    def transform(self, features: pd.DataFrame, target: np.ndarray | None = None) -> np.ndarray:
        """The matrix; with a target, of the rows that were fitted on."""
        matrix = np.empty((len(features), len(self.names)))
        end = len(self.names)
        if self.many and target is not None:
            matrix[:, end - len(self.many) :] = self.fit_means(features, target)
        for start in range(0, len(features), _AT_A_TIME):
            some = slice(start, start + _AT_A_TIME)
            blocks = self._blocks(features.iloc[some])
            if self.many and target is None:
                means = self.means.transform(self._codes(features.iloc[some], self.many))
                blocks.append(self.mean_scaler.transform(means))
            found = np.hstack(blocks)
            matrix[some, : found.shape[1]] = found
        return matrix

    def _blocks(self, features: pd.DataFrame) -> list[np.ndarray]:
        blocks = [self.number_scaler.transform(features[self.numbers].to_numpy())]
        blocks.append(features[self.gaps].isna().to_numpy())
        if self.dates:
            days = features[self.dates].to_numpy()
            days = np.where(np.isnan(days), self.middle, days)
            parts = [
                date_parts(column)[:, chosen]
                for column, chosen in zip(days.T, self.varying, strict=True)
            ]
            blocks.append(self.date_scaler.transform(np.hstack(parts)))
        if self.few:
            blocks.append(self.one_hot.transform(self._codes(features, self.few)))
        for name, (pipeline, scaler) in zip(self.texts, self.pipelines, strict=True):
            vectorizer, svd, norm = pipeline
            places = norm.transform(svd.transform(vectorizer.transform(features[name])))
            blocks.append(scaler.transform(places))
        return blocks

    def _codes(self, features: pd.DataFrame, names: list[str]) -> np.ndarray:
        """The rank of each value; -2 for a rare one, -1 for a missing one."""
        columns = []
        for name in names:
            found = features[name].array
            if len(found.categories) > len(found):
                found = found.remove_unused_categories()
            ranks = self.known[name].get_indexer(found.categories.astype(object))
            ranks[ranks < 0] = -2
            columns.append(np.append(ranks, -1)[found.codes])
        return np.column_stack(columns)

    def _names(self) -> list[str]:
        """The column that each input comes from."""
        names = [*self.numbers, *self.gaps]
        for name, chosen in zip(self.dates, self.varying if self.dates else (), strict=True):
            names += [name] * len(chosen)
        if self.few:
            for name, values in zip(self.few, self.one_hot.categories_, strict=True):
                names += [name] * len(values)
        for name, (pipeline, _) in zip(self.texts, self.pipelines, strict=True):
            names += [name] * len(pipeline[1].singular_values_)
        return [*names, *self.many]


def date_parts(days: np.ndarray) -> np.ndarray:
    """Day, year, month, day of year, weekday and hour; shape (rows, 6)."""
    moments = np.round(days * _SECONDS_PER_DAY).astype("datetime64[s]")
    whole = moments.astype("datetime64[D]")
    months, years = whole.astype("datetime64[M]"), whole.astype("datetime64[Y]")
    parts = [
        days,
        years.astype(np.int64) + 1970,
        months.astype(np.int64) % 12 + 1,
        (whole - years.astype("datetime64[D]")).astype(np.int64) + 1,
        (whole.astype(np.int64) + 3) % 7,
        (moments - whole.astype("datetime64[s]")).astype(np.int64) / 3600,
    ]
    return np.column_stack(parts).astype(np.float64)


def joined(scalers: list[Scaler]) -> Scaler:
    """One scaler for the columns of several."""
    whole = Scaler()
    whole.centre = np.concatenate([one.centre for one in scalers])
    whole.spread = np.concatenate([one.spread for one in scalers])
    return whole


def _frequent(values: pd.Series) -> pd.Index:
    counts = values.value_counts()
    counts = counts[counts >= _LEAST]
    texts = counts.index.astype(object).to_numpy()
    order = np.lexsort((texts.astype(str), -counts.to_numpy()))
    return pd.Index(texts[order])


def _of_texts(values: pd.Series) -> tuple[tuple[Any, ...], Scaler]:
    present = values.dropna()
    drawn = present.sample(min(_DRAWN, len(present)), random_state=0).astype(object)
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), max_features=_PIECES)
    svd = TruncatedSVD(_DIRECTIONS, n_iter=7, random_state=0)
    norm = Normalizer()
    places = norm.fit_transform(svd.fit_transform(vectorizer.fit_transform(drawn)))
    return (vectorizer, svd, norm), Scaler().fit(places)
