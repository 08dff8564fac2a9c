"""Looking for the inputs that a model predicts most for, written directly with Optuna.

`python -m tests.bench.direct.search TRAINED PREPARED TRIALS OUT`
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import optuna
import pandas as pd
import plotly.graph_objects as go
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from pyarrow import dataset
from threadpoolctl import threadpool_limits

from tests.bench.direct.columns import conforming
from tests.bench.direct.outputs import BLUE, GREY, ORANGE, Outputs

_AT_A_TIME, _BEGUN_WITH, _ROWS, _COMPARED, _BEST = 20, 10, 2000, 500, 5


def main(trained: Path, prepared: Path, trials: int, out: Path) -> None:
    """Begin with the best training rows, ask and tell in batches, say how far the best are."""
    outputs = Outputs(out)
    outputs.read_json(trained / "metrics.json")
    model = joblib.load(outputs.read(trained / "model.joblib"))
    schema = model["schema"]
    known = outputs.read_json(prepared / "reference.json")["columns"]
    names = [column["name"] for column in schema["columns"]]
    found = dataset.dataset(outputs.read(prepared / "train.parquet"))
    random = np.random.default_rng(0)
    drawn = np.sort(random.choice(found.count_rows(), _ROWS, replace=False))
    training = conforming(found.take(drawn, columns=names).to_pandas(), schema)
    places = {name: _distribution(one) for name, one in known.items()}

    def predicted(rows: list[dict[str, Any]]) -> np.ndarray:
        frame = pd.DataFrame(rows, columns=names)
        for name, one in known.items():
            kind = "str" if one["kind"] == "category" else "float64"
            frame[name] = frame[name].astype(kind)
            if one["kind"] == "category":
                frame[name] = frame[name].astype("category")
        with threadpool_limits(1):
            return model["estimator"].predict(model["inputs"].transform(frame))

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sampler = optuna.samplers.TPESampler(
            seed=0,
            multivariate=True,
            constant_liar=True,
            constraints_func=lambda trial: (),
        )
    study = optuna.create_study(sampler=sampler, direction="maximize")
    rows = [_inside(row, places) for row in training.to_dict(orient="records")]
    for place in np.argsort(-predicted(rows), kind="stable")[:_BEGUN_WITH]:
        study.enqueue_trial(rows[place], skip_if_exists=True)
    tried, values = [], []
    while len(tried) < trials:
        asked = [study.ask(places) for _ in range(min(_AT_A_TIME, trials - len(tried)))]
        said = predicted([trial.params for trial in asked])
        for trial, value in zip(asked, said, strict=True):
            study.tell(trial, float(value))
        tried += [trial.params for trial in asked]
        values += said.tolist()
    table = pd.DataFrame(tried, columns=names).assign(value=values)
    table["best"] = table["value"].cummax()
    table.to_parquet(out / "trials.parquet", index=False)
    best = table.sort_values("value", ascending=False).drop_duplicates(names).head(_BEST)
    lonely = _remoteness(best[names], training.head(_COMPARED), known)
    outputs.json("optimum", best.assign(lonely=lonely).to_dict(orient="records"))
    outputs.json("summary", {"trials": trials, "value": float(best["value"].iloc[0])})
    best.to_csv(out / "best.csv", index=False)
    _draw(table, best, known, outputs)
    print(best.to_string(index=False))
    outputs.close()


def _distribution(one: dict[str, Any]) -> Any:
    if one["kind"] == "category":
        return CategoricalDistribution(one["seen"][:30])
    low, _, high = one["quantiles"]
    return IntDistribution(int(low), int(high)) if one["whole"] else FloatDistribution(low, high)


def _inside(row: dict[str, Any], places: dict[str, Any]) -> dict[str, Any]:
    """A training row within the space."""
    found = {}
    for name, place in places.items():
        value = row[name]
        if isinstance(place, CategoricalDistribution):
            found[name] = value if value in place.choices else place.choices[0]
            continue
        value = place.low if np.isnan(value) else min(max(value, place.low), place.high)
        found[name] = int(value) if isinstance(place, IntDistribution) else float(value)
    return found


def _remoteness(best: pd.DataFrame, training: pd.DataFrame, known: dict[str, Any]) -> np.ndarray:
    """The share of training rows that have a nearer neighbour, by Gower's distance."""
    nearest = _distances(best, training, known).min(axis=1)
    among = _distances(training, training, known)
    np.fill_diagonal(among, np.inf)
    return (among.min(axis=1)[None, :] < nearest[:, None]).mean(axis=1)


def _distances(one: pd.DataFrame, others: pd.DataFrame, known: dict[str, Any]) -> np.ndarray:
    total = np.zeros((len(one), len(others)))
    for name, spread in known.items():
        left, right = one[name].to_numpy(), others[name].to_numpy()
        if spread["kind"] == "category":
            total += left.astype(str)[:, None] != right.astype(str)[None, :]
        else:
            scale = spread["quantiles"][2] - spread["quantiles"][0] or 1.0
            gap = np.abs(left.astype(float)[:, None] - right.astype(float)[None, :]) / scale
            total += np.where(np.isnan(gap), 1.0, np.minimum(gap, 1.0))
    return total / len(known)


def _draw(table: pd.DataFrame, best: pd.DataFrame, known: dict[str, Any], outputs: Outputs) -> None:
    numbers = list(range(1, len(table) + 1))
    points = go.Scatter(x=numbers, y=table["value"].tolist(), mode="markers")
    line = go.Scatter(x=numbers, y=table["best"].tolist(), mode="lines", line={"color": ORANGE})
    figure = go.Figure([points, line])
    outputs.figure("progress", figure)
    outputs.json("figures", json.loads(figure.to_json()))
    figure = go.Figure()
    for name, one in known.items():
        if one["kind"] == "category":
            continue
        low, width = one["low"], one["high"] - one["low"] or 1.0
        ends = [(one["quantiles"][0] - low) / width, (one["quantiles"][2] - low) / width]
        figure.add_bar(x=[ends[1] - ends[0]], y=[name], base=[ends[0]], marker_color=GREY)
        shares = ((best[name] - low) / width).tolist()
        figure.add_scatter(x=shares, y=[name] * len(best), mode="markers", marker_color=BLUE)
    outputs.figure("places", figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
