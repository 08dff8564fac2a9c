"""Predicting one record and saying why, written directly with its libraries.

`python -m tests.bench.direct.single TRAINED PREPARED RECORD OUT`, the record as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import joblib
import pandas as pd
import plotly.graph_objects as go
from threadpoolctl import threadpool_limits

from tests.bench.direct.columns import conforming
from tests.bench.direct.explanation import contributions
from tests.bench.direct.outputs import Outputs

_SHOWN = 12


def main(trained: Path, prepared: Path, text: str, out: Path) -> None:
    """Predict, explain, draw."""
    outputs = Outputs(out)
    outputs.read_json(trained / "metrics.json")
    model = joblib.load(outputs.read(trained / "model.joblib"))
    schema, record = model["schema"], json.loads(text)
    known = outputs.read_json(prepared / "reference.json")["columns"]
    frame = pd.DataFrame([record])
    for column in schema["columns"]:
        if column["kind"] == "datetime":
            frame[column["name"]] = pd.to_datetime(frame[column["name"]])
    features = conforming(frame, schema)
    unusual = [
        name
        for name, one in known.items()
        if one["kind"] == "numeric" and not one["low"] <= features[name].iloc[0] <= one["high"]
    ]
    with threadpool_limits(1):
        predicted = float(model["estimator"].predict(model["inputs"].transform(features))[0])
        added = contributions(model, features).iloc[0]
    base = float(added.pop("base"))
    added = added[added.abs().sort_values(ascending=False).index]
    bounds = {"low": predicted - model["interval"], "high": predicted + model["interval"]}
    outputs.json("predictions", {"record": record, "prediction": predicted, **bounds})
    outputs.json("summary", {"record": record, "prediction": predicted, "unusual": unusual})
    outputs.json("explanation", {"base": base, "contributions": added.to_dict()})
    table = pd.DataFrame({"column": added.index, "adds": added.to_numpy()})
    table["value"] = [record[name] for name in added.index]
    table["usual"] = [str(known[name].get("quantiles", "")) for name in added.index]
    table.to_csv(out / "explanation.csv", index=False)
    steps = added.head(_SHOWN)
    figure = go.Figure(
        go.Waterfall(
            orientation="h",
            measure=["absolute", *["relative"] * len(steps), "total"],
            x=[base, *steps.tolist(), 0],
            y=["without any column", *steps.index, "prediction"],
        )
    )
    outputs.figure("why", figure)
    outputs.json("figures", json.loads(figure.to_json()))
    print(table.to_string(index=False), predicted)
    outputs.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
