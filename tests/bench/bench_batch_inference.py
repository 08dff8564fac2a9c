"""Ten million rows of 12 mixed columns, predicted by inference-batch: its rate and its memory.

Compared with what the model alone does: the same fitted preprocessor and estimator, called on
chunks that are in memory and conform, by one thread. The phase has all of it: imports, reading,
checks, drift, writing. The two take turns.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from tests.bench.commands import measured, phase

ROWS = 10_000_000
TRAINING_ROWS = 100_000
ROUNDS = 2
_CHUNK_ROWS = 1 << 17
_MEGABYTE = 1e6
_ROOT = Path(__file__).parents[2]

# the model alone: rows per second over a sample of the same file
ALONE = """\
import sys, time
from pathlib import Path
import joblib
from ml.tabular.data import table_files
from ml.tabular.serving import streaming
model = joblib.load(sys.argv[1])
file = table_files.open_file(Path(sys.argv[2]), "rows")
per_chunk = streaming.rows_per_chunk(len(model.preprocessor.names_))
chunks = streaming.file_chunks([file], model.schema, per_chunk, truth=False, skip=False)
sample = [chunk.features for chunk, _ in zip(chunks, range(int(sys.argv[3])))]
model.predict_features(sample[0])
started = time.perf_counter()
for features in sample:
    model.predict_features(features)
print(sum(map(len, sample)) / (time.perf_counter() - started))
"""


def run(echo: Callable[[str], None]) -> dict[str, float]:
    """Rows per second of the phase and of the model alone, and the phase's peak memory."""
    figures: dict[str, float] = {"rows": ROWS, "load_average": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        echo("training")
        write_rows(folder / "train.parquet", TRAINING_ROWS, seed=0, target=True)
        for command in _training(folder):
            measured(command)
        echo(f"writing {ROWS} rows")
        source = folder / "rows.parquet"
        write_rows(source, ROWS, seed=1, target=False)
        figures["file_mb"] = source.stat().st_size / _MEGABYTE
        predict = phase(
            "inference-batch",
            folder / "predicted",
            f"Input/training_task={folder / 'trained'}",
            f"Input/data={source}",
        )
        alone, rates, peaks = [], [], []
        for _ in range(ROUNDS):
            alone.append(_alone(folder / "trained" / "model.joblib", source))
            seconds, peak = measured(predict)
            rates.append(ROWS / seconds)
            peaks.append(peak)
            echo(f"alone {alone[-1]:.0f} rows/s, phase {rates[-1]:.0f} rows/s, {peak >> 20} MiB")
    figures["alone_rows_per_s"] = max(alone)
    figures["rows_per_s"] = max(rates)
    figures["rate_to_alone"] = max(rates) / max(alone)
    figures["peak_mib"] = max(peaks) / (1 << 20)
    return figures


def write_rows(path: Path, rows: int, seed: int, target: bool) -> None:
    """Write a Parquet file of 12 columns, the same one from the same seed, piece by piece.

    Parameters
    ----------
    path : Path
    rows : int
    seed : int
    target : bool
        Whether it has the column ``target``, too.
    """
    random = np.random.default_rng(seed)
    writer = None
    for start in range(0, rows, _CHUNK_ROWS):
        chunk = _chunk(random, min(_CHUNK_ROWS, rows - start), target)
        writer = writer or parquet.ParquetWriter(path, chunk.schema)
        writer.write_table(chunk)
    if writer:
        writer.close()


def _chunk(random: np.random.Generator, rows: int, target: bool) -> pa.Table:
    floats = {f"float_{i}": random.normal(i, 1 + i, rows) for i in range(6)}
    whole = {f"whole_{i}": random.integers(0, 10 ** (i + 1), rows) for i in range(2)}
    missing = random.random(rows) < 0.05
    columns = {name: pa.array(values) for name, values in {**floats, **whole}.items()}
    columns["float_0"] = pa.array(floats["float_0"], mask=missing)
    kinds = random.integers(0, 5, rows)
    columns["kind"] = pa.array([f"kind {i}" for i in range(5)]).take(pa.array(kinds))
    cities = np.minimum((2000 * random.random(rows) ** 3).astype(int), 1999)
    columns["city"] = pa.array([f"city {i}" for i in range(2000)]).take(pa.array(cities))
    columns["flag"] = pa.array(random.random(rows) < 0.3)
    days = 1_577_836_800 + random.integers(0, 1500, rows) * 86_400
    columns["on"] = pa.array(days).cast(pa.timestamp("s")).cast(pa.timestamp("us"))
    if target:
        signal = 3 * floats["float_1"] - floats["float_2"] ** 2 / 3 + 5 * (kinds == 2)
        columns["target"] = pa.array(signal + whole["whole_0"] + random.normal(0, 1, rows))
    return pa.table(columns)


def _training(folder: Path) -> list[list[object]]:
    return [
        phase(
            "data-registration",
            folder / "data",
            f"Data/source={folder / 'train.parquet'}",
            "Data/target=target",
        ),
        phase("preprocessing", folder / "prepared", f"Input/dataset_id={folder / 'data'}"),
        phase(
            "training",
            folder / "trained",
            f"Input/preprocessing_task={folder / 'prepared'}",
            "Model/name=lightgbm",
        ),
    ]


def _alone(model: Path, source: Path, chunks: int = 16) -> float:
    command = [sys.executable, "-c", ALONE, str(model), str(source), str(chunks)]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    return float(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
