"""The direct scripts compute what the phases compute: else they are nothing to compare with."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from ml.runtime.entry import main
from tests.bench.bench_batch_inference import write_rows
from tests.bench.direct import batch, preprocessing, summary, training


def phase(name, out, *fields):
    settings = [part for field in fields for part in ("--set", field)]
    assert main([name, "--out", str(out), *settings]) == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Both have prepared the same rows and trained the same model."""
    folder = tmp_path_factory.mktemp("both")
    write_rows(folder / "rows.parquet", 2000, seed=0, target=True)
    phase(
        "data-registration",
        folder / "data",
        f"Data/source={folder / 'rows.parquet'}",
        "Data/target=target",
    )
    phase("preprocessing", folder / "prepared", f"Input/dataset_id={folder / 'data'}")
    phase(
        "training",
        folder / "run" / "lightgbm",
        f"Input/preprocessing_task={folder / 'prepared'}",
        "Model/name=lightgbm",
        # of so few rows the phase would cross-validate, too
        "Model/folds=0",
    )
    direct = folder / "direct"
    preprocessing.main(folder / "data" / "dataset", direct / "prepared")
    training.main("lightgbm", direct / "prepared", direct / "run" / "lightgbm")
    return folder


def test_the_parts_are_the_same(folder):
    for part in ("train", "validation", "test"):
        theirs, own = (
            pd.read_parquet(where / "prepared" / f"{part}.parquet")
            for where in (folder / "direct", folder)
        )
        pd.testing.assert_frame_equal(theirs[own.columns], own)


def test_the_scores_are_the_same(folder):
    theirs, own = (
        json.loads((where / "run" / "lightgbm" / "metrics.json").read_text())
        for where in (folder / "direct", folder)
    )
    for part in ("validation", "test"):
        assert theirs[part] == pytest.approx(own[part], rel=1e-9)
        ends = {name: pytest.approx(both) for name, both in own[f"{part}_intervals"].items()}
        assert theirs[f"{part}_intervals"] == ends
    assert theirs["interval"] == pytest.approx(own["interval"], rel=1e-9)


def test_the_columns_matter_as_much(folder):
    phase("training-summary", folder / "summary", f"Input/run_id={folder / 'run'}")
    direct = folder / "direct"
    summary.main(direct / "run", direct / "prepared", direct / "summary")
    theirs, own = (
        json.loads((where / "summary" / "importance.json").read_text())
        for where in (direct, folder)
    )
    assert theirs == pytest.approx(own, rel=1e-9)


def test_the_predictions_and_their_drift_are_the_same(folder):
    write_rows(folder / "more.parquet", 700, seed=1, target=False)
    trained, direct = folder / "run" / "lightgbm", folder / "direct"
    phase(
        "inference-batch",
        folder / "batch",
        f"Input/training_task={trained}",
        f"Input/data={folder / 'more.parquet'}",
    )
    batch.main(
        direct / "run" / "lightgbm",
        direct / "prepared",
        folder / "more.parquet",
        direct / "batch",
    )
    theirs, own = (
        pd.read_parquet(where / "batch" / "predictions.parquet") for where in (direct, folder)
    )
    pd.testing.assert_frame_equal(theirs, own)
    theirs, own = (
        {
            one["column"]: one["psi"]
            for one in json.loads((where / "batch" / "drift.json").read_text())["columns"]
        }
        for where in (direct, folder)
    )
    assert theirs == pytest.approx(own, abs=1e-5)
