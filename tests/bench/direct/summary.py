"""Comparing trained models and explaining the best one, written directly with its libraries.

`python -m tests.bench.direct.summary RUN PREPARED OUT`, where RUN holds a folder per model.
"""

from __future__ import annotations

import base64
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly import offline
from pyarrow import dataset, parquet
from threadpoolctl import threadpool_limits

from tests.bench.direct.columns import conforming
from tests.bench.direct.explanation import contributions
from tests.bench.direct.outputs import BLUE, GREY, ORANGE, Outputs
from tests.bench.direct.scoring import scores

_EXPLAINED, _POINTS = 200, 800


def main(run: Path, prepared: Path, out: Path) -> None:
    """Rank the models, explain the best, draw, write a page that holds all of it."""
    outputs = Outputs(out)
    records = {
        folder: outputs.read_json(folder / "metrics.json") for folder in sorted(run.iterdir())
    }
    board = pd.DataFrame([_row(folder, record) for folder, record in records.items()])
    board = board.sort_values(["validation", "model"]).reset_index(drop=True)
    best = Path(board["folder"].iloc[0])
    model = joblib.load(outputs.read(best / "model.joblib"))
    schema = model["schema"]
    outputs.read_json(prepared / "schema.json")
    predictions = {
        row.model: _test_rows(outputs.read(Path(row.folder) / "predictions.parquet"))
        for row in board.itertuples()
    }
    names = [column["name"] for column in schema["columns"]]
    rows = _drawn(outputs.read(prepared / "test.parquet"), names)
    with threadpool_limits(1):
        added = contributions(model, conforming(rows, schema))
    sizes = added.drop(columns="base").abs().mean()
    shares = (sizes / sizes.sum()).sort_values(ascending=False)
    train = outputs.read(prepared / "train.parquet")
    target = pd.read_parquet(train, columns=[schema["target"]])[schema["target"]]
    truth = predictions[board["model"].iloc[0]]["truth"].to_numpy()
    record = {
        "best": board.iloc[0].to_dict(),
        "leaderboard": board.to_dict(orient="records"),
        "baseline": scores(truth, np.full(len(truth), target.mean())),
        "split": outputs.read_json(prepared / "split.json"),
        "leakage": outputs.read_json(prepared / "leakage.json"),
        "missing": _missing(train),
        "rows": {part: _count(prepared / f"{part}.parquet") for part in ("validation", "test")},
    }
    outputs.json("summary", record)
    outputs.json("importance", shares.to_dict())
    board.to_csv(out / "leaderboard.csv", index=False)
    figures = {
        "scores": _scores(board),
        "predicted-against-true": _against_true(predictions),
        "errors": _errors(predictions),
        "importance": go.Figure(
            go.Bar(x=shares.tolist(), y=shares.index.tolist(), orientation="h", marker_color=BLUE)
        ),
    }
    for name, figure in figures.items():
        outputs.figure(name, figure)
    drawn = {name: json.loads(figure.to_json()) for name, figure in figures.items()}
    outputs.json("figures", drawn)
    (out / "report.html").write_text(_page(board, drawn), "utf-8")
    print(board.to_string(index=False))
    outputs.close()


def _row(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    row = {"model": record["model"], "folder": str(folder)}
    for part in ("validation", "test"):
        row[part] = record[part]["rmse"]
        row[f"{part} low"], row[f"{part} high"] = record[f"{part}_intervals"]["rmse"]
    return row | {"fit seconds": record["fit_seconds"], "size bytes": record["size_bytes"]}


def _test_rows(path: Path) -> pd.DataFrame:
    found = pd.read_parquet(path)
    return found[found["part"] == "test"]


def _drawn(path: Path, names: list[str]) -> pd.DataFrame:
    found = dataset.dataset(path)
    random = np.random.default_rng(0)
    chosen = np.sort(random.choice(found.count_rows(), _EXPLAINED, replace=False))
    return found.take(chosen, columns=names).to_pandas()


def _count(path: Path) -> int:
    return parquet.read_metadata(path).num_rows


def _missing(path: Path) -> dict[str, int]:
    file = parquet.read_metadata(path)
    found: dict[str, int] = {}
    for group in range(file.num_row_groups):
        for place in range(file.num_columns):
            column = file.row_group(group).column(place)
            name = column.path_in_schema
            found[name] = found.get(name, 0) + (column.statistics.null_count or 0)
    return found


def _scores(board: pd.DataFrame) -> go.Figure:
    figure = go.Figure()
    for part, colour in (("validation", BLUE), ("test", GREY)):
        ends = {
            "array": (board[f"{part} high"] - board[part]).tolist(),
            "arrayminus": (board[part] - board[f"{part} low"]).tolist(),
        }
        figure.add_scatter(
            x=board[part].tolist(),
            y=board["model"].tolist(),
            mode="markers",
            marker={"color": colour, "size": 10},
            name=part,
            error_x=ends,
        )
    return figure


def _against_true(predictions: dict[str, pd.DataFrame]) -> go.Figure:
    figure = go.Figure()
    for (name, rows), colour in zip(predictions.items(), (BLUE, ORANGE), strict=False):
        shown = rows.sample(min(_POINTS, len(rows)), random_state=0).sort_index()
        figure.add_scatter(
            x=shown["truth"].tolist(),
            y=shown["prediction"].tolist(),
            mode="markers",
            marker={"color": colour, "size": 6},
            name=name,
        )
    return figure


def _errors(predictions: dict[str, pd.DataFrame]) -> go.Figure:
    ends = np.array(
        [
            np.quantile(rows["prediction"] - rows["truth"], [0.05, 0.25, 0.5, 0.75, 0.95])
            for rows in predictions.values()
        ]
    ).T.tolist()
    box = go.Box(
        y=list(predictions),
        lowerfence=ends[0],
        q1=ends[1],
        median=ends[2],
        q3=ends[3],
        upperfence=ends[4],
        orientation="h",
    )
    figure = go.Figure(box)
    figure.add_vline(x=0, line={"color": GREY, "dash": "dash"})
    return figure


def _page(board: pd.DataFrame, drawn: dict[str, Any]) -> str:
    """All in one file, the plotting library packed into it."""
    packed = base64.b64encode(zlib.compress(offline.get_plotlyjs().encode(), 9)).decode()
    boxes = "".join(f"<script>{json.dumps(figure)}</script>" for figure in drawn.values())
    return f"<html>{board.to_html()}{boxes}<script type='text/plain'>{packed}</script></html>"


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
