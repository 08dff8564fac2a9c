"""Fitting and scoring one model, written directly with its libraries.

`python -m tests.bench.direct.training lightgbm|hist_gradient_boosting PREPARED OUT`
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from threadpoolctl import threadpool_limits

from tests.bench.direct.columns import conforming
from tests.bench.direct.outputs import BLUE, GREY, Outputs
from tests.bench.direct.scoring import half_width, intervals, scores

_POINTS = 2000


def main(name: str, prepared: Path, out: Path) -> None:
    """Read the parts, fit, score on validation, fit again with it, score on test."""
    outputs = Outputs(out)
    schema = outputs.read_json(prepared / "schema.json")
    parts = {
        part: pd.read_parquet(outputs.read(prepared / f"{part}.parquet"))
        for part in ("train", "validation", "test")
    }
    inputs = joblib.load(outputs.read(prepared / "inputs.joblib"))
    truth = {part: frame[schema["target"]].to_numpy(np.float64) for part, frame in parts.items()}
    train = inputs.transform(conforming(parts["train"], schema), truth["train"])
    validation = inputs.transform(conforming(parts["validation"], schema))
    with threadpool_limits(1):
        estimator = _estimator(name).fit(train, truth["train"])
        predicted = estimator.predict(validation)
        width = half_width(truth["validation"], predicted)
        found = scores(truth["validation"], predicted)
        record: dict[str, Any] = {"model": name, "interval": width, "validation": found}
        record["validation_intervals"] = intervals(found, truth["validation"], predicted)
        rows = [_rows("validation", truth["validation"], predicted, width)]
        train = np.concatenate([train, validation])
        target = np.concatenate([truth["train"], truth["validation"]])
        started = time.perf_counter()
        estimator = _estimator(name).fit(train, target)
        record["fit_seconds"] = time.perf_counter() - started
        predicted = estimator.predict(inputs.transform(conforming(parts["test"], schema)))
    found = scores(truth["test"], predicted)
    record |= {"test": found, "test_intervals": intervals(found, truth["test"], predicted)}
    rows.append(_rows("test", truth["test"], predicted, width))
    table = pd.concat(rows, ignore_index=True).astype({"part": "category"})
    table.to_parquet(out / "predictions.parquet")
    model = {"schema": schema, "inputs": inputs, "estimator": estimator, "interval": width}
    joblib.dump(model, out / "model.joblib")
    record["size_bytes"] = (out / "model.joblib").stat().st_size
    outputs.json("metrics", record)
    outputs.figure("fit-quality", fit_quality(rows[-1]))
    print(record)
    outputs.close()


def fit_quality(rows: pd.DataFrame) -> go.Figure:
    """Predicted against true, of a sample."""
    shown = rows.sample(min(_POINTS, len(rows)), random_state=0).sort_index()
    truth, predicted = shown["truth"].tolist(), shown["prediction"].tolist()
    ends = [min(truth + predicted), max(truth + predicted)]
    points = go.Scatter(x=truth, y=predicted, mode="markers", marker={"color": BLUE, "size": 7})
    line = go.Scatter(x=ends, y=ends, mode="lines", line={"color": GREY, "dash": "dash"})
    return go.Figure([points, line])


def _estimator(name: str) -> Any:
    if name == "lightgbm":
        from lightgbm import LGBMRegressor

        return LGBMRegressor(
            learning_rate=0.05,
            n_estimators=200,
            num_leaves=31,
            min_child_samples=20,
            colsample_bytree=0.6,
            reg_lambda=1.0,
            random_state=0,
            n_jobs=1,
            deterministic=True,
            force_row_wise=True,
            verbosity=-1,
        )
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        learning_rate=0.05,
        max_iter=200,
        max_leaf_nodes=31,
        min_samples_leaf=20,
        max_features=0.6,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=0,
    )


def _rows(part: str, truth: np.ndarray, predicted: np.ndarray, width: float) -> pd.DataFrame:
    bounds = {"low": predicted - width, "high": predicted + width}
    return pd.DataFrame({"part": part, "truth": truth, "prediction": predicted, **bounds})


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
