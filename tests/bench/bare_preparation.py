"""What preprocessing cannot do without, written directly with pandas and scikit-learn.

`python bare_preparation.py DATASET OUT`: read, divide, write the parts, fit the transformers of the
training part. Each is fitted alone and texts on a sample, which is the least that will do.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import joblib
import pandas as pd
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, RobustScaler, TargetEncoder

_FEW = 20
_SAMPLE = 20_000


def main(dataset: Path, out: Path) -> None:
    """Prepare the data set in one folder, and leave what comes of it in another."""
    schema = json.loads((dataset / "schema.json").read_text())
    named = {kind: [] for kind in ("numeric", "category", "datetime", "text")}
    for column in schema["columns"]:
        named[column["kind"]].append(column["name"])
    target = schema["target"]
    features = [name for names in named.values() for name in names]
    frame = pd.read_parquet(dataset / "data.parquet", columns=[*features, target])
    frame = frame[frame[target].notna()]
    rest, test = train_test_split(frame, test_size=0.2, random_state=0)
    train, validation = train_test_split(rest, test_size=0.25, random_state=0)
    out.mkdir(exist_ok=True)
    for name, part in (("train", train), ("validation", validation), ("test", test)):
        part.to_parquet(out / f"{name}.parquet")
    joblib.dump(_fitted(train, named, train[target]), out / "transformers.joblib")


def _fitted(train: pd.DataFrame, named: dict[str, list[str]], target: pd.Series) -> list[object]:
    few = [name for name in named["category"] if train[name].nunique() <= _FEW]
    many = [name for name in named["category"] if name not in few]
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), RobustScaler())
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=_FEW)
    fitted = [numbers.fit(train[named["numeric"]]), one_hot.fit(train[few])]
    if named["datetime"]:
        dates = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), RobustScaler())
        fitted.append(dates.fit(_date_parts(train[named["datetime"]])))
    if many:
        fitted.append(TargetEncoder().fit(train[many], target))
    for name in named["text"]:
        texts = train[name].dropna().sample(_SAMPLE, random_state=0)
        pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), max_features=4096)
        fitted.append(make_pipeline(pieces, TruncatedSVD(16, random_state=0)).fit(texts))
    return fitted


def _date_parts(dates: pd.DataFrame) -> pd.DataFrame:
    parts = {}
    for name in dates:
        at = dates[name].dt
        parts[name] = (dates[name] - pd.Timestamp(0)).dt.total_seconds() / 86400
        parts |= {f"{name} year": at.year, f"{name} month": at.month, f"{name} hour": at.hour}
        parts |= {f"{name} day": at.day_of_year, f"{name} weekday": at.day_of_week}
    return pd.DataFrame(parts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
