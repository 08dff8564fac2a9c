"""What each phase takes beside the same calls written directly with its libraries.

The scripts are those of `tests/bench/direct`: they read the same files, compute the same with the
same functions of pandas, Arrow, scikit-learn, LightGBM and Optuna, and leave the same files and
plots. Both have one thread, each run is a process of its own with its imports, and the two take
turns. The least CPU seconds and the median of the peaks are compared.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import tables
from tests.bench.bench_batch_inference import write_rows
from tests.bench.commands import Cost, cost, in_turns, phase

WIDE_ROWS = 200_000
TRAINING_ROWS = 300_000
PREDICTED_ROWS = 1_000_000
TRIALS = 200
ROUNDS = 3
MODELS = ("lightgbm", "hist_gradient_boosting")
_MEGABYTE = 1e6
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_RECORD = {f"float_{i}": float(i) for i in range(6)} | {
    "whole_0": 4,
    "whole_1": 50,
    "kind": "kind 2",
    "city": "city 7",
    "flag": True,
    "on": "2021-05-06",
}

_Pair = tuple[list[object], list[object]]


def run(echo: Callable[[str], None]) -> dict[str, float]:
    """Measure every phase and its direct script; ratios above 1 are what the phase takes more."""
    figures: dict[str, float] = {"load_average": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        echo("writing the tables")
        tables.write_csv(folder / "wide.csv", WIDE_ROWS)
        write_rows(folder / "train.parquet", TRAINING_ROWS, seed=0, target=True)
        write_rows(folder / "rows.parquet", PREDICTED_ROWS, seed=1, target=False)
        for what, (direct, ours) in _of_preparation(folder).items():
            figures |= _compared(what, direct, ours, echo)
        _prepare(folder)
        for what, (direct, ours) in {**_of_training(folder), **_of_models(folder)}.items():
            figures |= _compared(what, direct, ours, echo)
    return figures


def _of_preparation(folder: Path) -> dict[str, _Pair]:
    source, registered = folder / "wide.csv", folder / "registered"
    return {
        "registration": (
            _direct("registration", source, tables.TARGET, folder / "direct" / "registered"),
            phase(
                "data-registration",
                registered,
                f"Data/source={source}",
                f"Data/target={tables.TARGET}",
            ),
        ),
        "preprocessing": (
            _direct("preprocessing", registered / "dataset", folder / "direct" / "wide"),
            phase("preprocessing", folder / "wide", f"Input/dataset_id={registered}"),
        ),
    }


def _prepare(folder: Path) -> None:
    """What is trained on, for both."""
    source, registered = folder / "train.parquet", folder / "train"
    for command in (
        phase("data-registration", registered, f"Data/source={source}", "Data/target=target"),
        phase("preprocessing", folder / "prepared", f"Input/dataset_id={registered}"),
        _direct("preprocessing", registered / "dataset", folder / "direct" / "prepared"),
    ):
        cost(command, _ONE_THREAD)


def _of_training(folder: Path) -> dict[str, _Pair]:
    prepared = folder / "direct" / "prepared"
    return {
        f"training_{name}": (
            _direct("training", name, prepared, folder / "direct" / "run" / name),
            phase(
                "training",
                folder / "run" / name,
                f"Input/preprocessing_task={folder / 'prepared'}",
                f"Model/name={name}",
            ),
        )
        for name in MODELS
    }


def _of_models(folder: Path) -> dict[str, _Pair]:
    prepared, run = folder / "direct" / "prepared", folder / "direct" / "run"
    served = f"Input/training_task={folder / 'run' / MODELS[0]}"
    rows, record = folder / "rows.parquet", json.dumps(_RECORD)
    out = folder / "direct"
    return {
        "training_summary": (
            _direct("summary", run, prepared, out / "summary"),
            phase("training-summary", folder / "summary", f"Input/run_id={folder / 'run'}"),
        ),
        "inference_batch": (
            _direct("batch", run / MODELS[0], prepared, rows, out / "batch"),
            phase("inference-batch", folder / "batch", served, f"Input/data={rows}"),
        ),
        "inference_single": (
            _direct("single", run / MODELS[0], prepared, record, out / "single"),
            phase("inference-single", folder / "single", served, f"Input/record={record}"),
        ),
        "inference_optimize": (
            _direct("search", run / MODELS[0], prepared, TRIALS, out / "search"),
            phase("inference-optimize", folder / "search", served, f"Search/trials={TRIALS}"),
        ),
    }


def _direct(name: str, *arguments: object) -> list[object]:
    return [sys.executable, "-m", f"tests.bench.direct.{name}", *arguments]


def _compared(
    what: str, direct: list[object], ours: list[object], echo: Callable[[str], None]
) -> dict[str, float]:
    costs = in_turns(what, {"direct": direct, "phase": ours}, ROUNDS, echo, _ONE_THREAD)
    cpu = {who: min(one.cpu_seconds for one in found) for who, found in costs.items()}
    clock = {who: min(one.seconds for one in found) for who, found in costs.items()}
    peak = {who: _middle_peak(found) for who, found in costs.items()}
    figures = {
        f"{what}_direct_cpu_s": cpu["direct"],
        f"{what}_cpu_s": cpu["phase"],
        f"{what}_cpu_to_direct": cpu["phase"] / cpu["direct"],
        f"{what}_time_to_direct": clock["phase"] / clock["direct"],
        f"{what}_direct_mb": peak["direct"] / _MEGABYTE,
        f"{what}_mb": peak["phase"] / _MEGABYTE,
        f"{what}_memory_to_direct": peak["phase"] / peak["direct"],
    }
    echo(
        f"{what}: {figures[f'{what}_cpu_to_direct']:.2f} x CPU, "
        f"{figures[f'{what}_memory_to_direct']:.2f} x memory"
    )
    return figures


def _middle_peak(costs: list[Cost]) -> float:
    return statistics.median(one.peak for one in costs)
