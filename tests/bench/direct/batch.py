"""Predicting the rows of a Parquet file in chunks, written directly with its libraries.

`python -m tests.bench.direct.batch TRAINED PREPARED ROWS OUT`
"""

from __future__ import annotations

import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pyarrow as pa
from pyarrow import parquet
from threadpoolctl import threadpool_limits

from tests.bench.direct.columns import conforming
from tests.bench.direct.outputs import BLUE, GREY, Outputs
from tests.bench.direct.spread import (
    as_numbers,
    counts_of_categories,
    counts_of_numbers,
    drift,
    spread,
)

_ROWS = 1 << 16
_COLUMNS = ("prediction", "low", "high")


def main(trained: Path, prepared: Path, source: Path, out: Path) -> None:
    """Predict chunk after chunk, count what drift is told by, write, draw."""
    outputs = Outputs(out)
    outputs.read_json(trained / "metrics.json")
    model = joblib.load(outputs.read(trained / "model.joblib"))
    schema, kinds = (
        model["schema"],
        {one["name"]: one["kind"] for one in model["schema"]["columns"]},
    )
    known = outputs.read_json(prepared / "reference.json")["columns"]
    before = pd.read_parquet(outputs.read(trained / "predictions.parquet"), columns=["prediction"])
    known_predictions = spread(before["prediction"], "numeric")
    counts = {name: np.zeros(len(one["counts"]), np.int64) for name, one in known.items()}
    edges = {name: np.array(one.get("edges", ())) for name, one in known.items()}
    of_predictions = np.zeros(len(known_predictions["counts"]), np.int64)
    coded = [name for name, kind in kinds.items() if kind == "category"]
    kept, rows = [], 0
    columns = pa.schema([("row", pa.int64()), *((name, pa.float64()) for name in _COLUMNS)])
    outputs.read(source)
    with (
        parquet.ParquetFile(source, read_dictionary=coded) as file,
        parquet.ParquetWriter(out / "predictions.parquet", columns) as writer,
        threadpool_limits(1),
    ):
        for block in file.iter_batches(_ROWS, columns=list(kinds), use_threads=False):
            features = conforming(block.to_pandas(), schema)
            predicted = model["estimator"].predict(model["inputs"].transform(features))
            for name, kind in kinds.items():
                if kind == "category":
                    counts[name] += counts_of_categories(features[name], known[name])
                else:
                    numbers = as_numbers(features[name], kind)
                    counts[name] += counts_of_numbers(numbers, edges[name])
            of_predictions += counts_of_numbers(predicted, np.array(known_predictions["edges"]))
            found = pd.DataFrame({"prediction": predicted})
            found["low"] = predicted - model["interval"]
            found["high"] = predicted + model["interval"]
            kept.append(found)
            numbered = pa.array(np.arange(rows, rows + len(found)))
            arrays = [numbered, *(pa.array(found[name].to_numpy()) for name in _COLUMNS)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=columns))
            rows += len(found)
    found = pd.concat(kept, ignore_index=True)
    told = found["prediction"].agg(["min", "mean", "max"]).to_dict()
    outputs.json("summary", {"rows": rows, "predictions": told})
    drifts = [
        {"column": name, "psi": index, "chance": chance}
        for name, one in known.items()
        for index, chance in [drift(np.array(one["counts"]), counts[name])]
    ]
    drifts.sort(key=lambda one: -one["psi"])
    total = drift(np.array(known_predictions["counts"]), of_predictions)
    outputs.json("drift", {"columns": drifts, "predictions": total})
    pd.DataFrame(drifts).to_csv(out / "drift.csv", index=False)
    _draw(found["prediction"].to_numpy(), drifts, outputs)
    print(rows, told)
    outputs.close()


def _draw(predicted: np.ndarray, drifts: list[dict], outputs: Outputs) -> None:
    heights, edges = np.histogram(predicted, bins=40)
    middles = ((edges[1:] + edges[:-1]) / 2).tolist()
    bars = go.Bar(x=middles, y=heights.tolist(), width=np.diff(edges).tolist(), marker_color=BLUE)
    outputs.figure("predictions", go.Figure(bars))
    names, values = [one["column"] for one in drifts], [one["psi"] for one in drifts]
    figure = go.Figure(go.Bar(x=values, y=names, orientation="h", marker_color=BLUE))
    for limit in (0.1, 0.25):
        figure.add_vline(x=limit, line={"color": GREY, "dash": "dash"})
    outputs.figure("drift", figure)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:5]))
