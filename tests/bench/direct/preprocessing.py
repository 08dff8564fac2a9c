"""Dividing a data set and fitting what makes inputs of it, written directly with its libraries.

`python -m tests.bench.direct.preprocessing DATASET OUT`
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet
from scipy.stats import rankdata
from sklearn.model_selection import train_test_split

from tests.bench.direct.columns import Inputs, conforming
from tests.bench.direct.outputs import Outputs
from tests.bench.direct.spread import spread, spreads

_DRAWN = 50_000


def main(dataset: Path, out: Path) -> None:
    """Read, divide, look for leakage, write the parts, fit, keep what drift is told by."""
    outputs = Outputs(out)
    schema = outputs.read_json(dataset / "schema.json")
    frame = _read(outputs.read(dataset / "data.parquet"), schema)
    known = np.flatnonzero(frame[schema["target"]].notna())
    rest, test = train_test_split(known, test_size=0.2, random_state=0)
    train, validation = train_test_split(rest, test_size=0.25, random_state=0)
    parts = {"train": np.sort(train), "validation": np.sort(validation), "test": np.sort(test)}
    outputs.json("leakage", _leakage(frame, schema, known, parts))
    rows = {}
    for name, positions in parts.items():
        part = frame.iloc[positions]
        part.to_parquet(out / f"{name}.parquet")
        told = part[schema["target"]].agg(["mean", "std", "min", "max"])
        rows[name] = {"rows": len(part), **told}
    part = frame.iloc[parts["train"]]
    del frame
    features = conforming(part, schema)
    target = part[schema["target"]].to_numpy(np.float64)
    inputs = Inputs().fit(features, target, schema)
    joblib.dump(inputs, out / "inputs.joblib")
    kinds = {column["name"]: column["kind"] for column in schema["columns"]}
    reference = {
        "rows": len(part),
        "columns": spreads(features, kinds),
        "target": spread(pd.Series(target), "numeric"),
    }
    outputs.json("reference", reference)
    outputs.json("split", {"rows": rows, "seed": 0})
    outputs.json("schema", schema)
    pd.DataFrame(rows).T.to_csv(out / "parts.csv")
    pd.Series(inputs.names).value_counts().to_csv(out / "inputs.csv")
    print(json.dumps(rows))
    outputs.close()


def _read(path: Path, schema: dict[str, Any]) -> pd.DataFrame:
    wanted = [column["name"] for column in schema["columns"]] + [schema["target"]]
    types = parquet.read_schema(path)
    coded = [
        column["name"]
        for column in schema["columns"]
        if column["kind"] == "category" and pa.types.is_string(types.field(column["name"]).type)
    ]
    table = parquet.read_table(path, columns=wanted, read_dictionary=coded)
    return table.to_pandas(self_destruct=True, split_blocks=True)


def _leakage(
    frame: pd.DataFrame, schema: dict[str, Any], known: np.ndarray, parts: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Features that give the target away, and rows that are in two parts."""
    drawn = known
    if len(known) > _DRAWN:
        drawn = np.sort(np.random.default_rng(0).choice(known, _DRAWN, replace=False))
    sample = frame.iloc[drawn]
    features = conforming(sample, schema)
    target = sample[schema["target"]].to_numpy(np.float64)
    suspicious = [name for name in features if _tells(features[name], target)]
    names = [column["name"] for column in schema["columns"]]
    hashes = pd.util.hash_pandas_object(frame[names], index=False).to_numpy()
    train, validation, test = (hashes[positions] for positions in parts.values())
    seen = pd.Index(train).unique()
    doubled = {
        "validation": int((seen.get_indexer(validation) >= 0).sum()),
        "test": int(
            (
                (seen.get_indexer(test) >= 0)
                | (pd.Index(validation).unique().get_indexer(test) >= 0)
            ).sum()
        ),
    }
    return {"suspicious": suspicious, "duplicates": doubled}


def _tells(values: pd.Series, target: np.ndarray) -> bool:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _fixes(values.cat.codes.to_numpy().astype(np.int64), target)
    there = values.notna().to_numpy()
    numbers, target = values.to_numpy()[there], target[there]
    if np.allclose(numbers, target, rtol=1e-9, atol=0.0):
        return True
    ranks = np.vstack([rankdata(numbers), rankdata(target)])
    agreement = np.corrcoef(ranks)[0, 1]
    return bool(abs(agreement) >= 0.9999) or _fixes(pd.factorize(numbers)[0], target)


def _fixes(codes: np.ndarray, target: np.ndarray) -> bool:
    """Whether rows with the same value have the same target."""
    codes, target = codes[codes >= 0], target[codes >= 0]
    counts = np.bincount(codes)
    repeated = counts[codes] > 1
    if repeated.mean() < 0.9:
        return False
    means = np.bincount(codes, target) / np.maximum(counts, 1)
    within = ((target - means[codes])[repeated] ** 2).mean()
    return bool(within <= 1e-6 * target.var())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
