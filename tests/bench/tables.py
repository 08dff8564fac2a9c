"""Large tables of mixed columns, the same ones from the same seed, written piece by piece."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

TARGET = "target"
_CHUNK_ROWS = 100_000
_FLOATS, _WHOLE, _FEW, _FLAGS = 19, 6, 6, 2
_WORDS = (
    *("quiet", "bright", "large", "small", "old", "new", "near", "far"),
    *("north", "south", "sea", "hill", "park", "road", "river"),
)
_FIRST_SECOND = 1_577_836_800  # 1 January 2020
_DAY = 86_400


def write_csv(path: Path, rows: int, seed: int = 0) -> None:
    """Write a table of 40 columns: numbers, categories of few and many values, dates, texts.

    Parameters
    ----------
    path : Path
    rows : int
        A file of a million rows has some 350 MB.
    seed : int
    """
    random = np.random.default_rng(seed)
    writer = None
    for start in range(0, rows, _CHUNK_ROWS):
        chunk = _chunk(random, start, min(_CHUNK_ROWS, rows - start))
        writer = writer or csv.CSVWriter(path, chunk.schema)
        writer.write_table(chunk)
    if writer:
        writer.close()


def _chunk(random: np.random.Generator, start: int, rows: int) -> pa.Table:
    floats = {f"float_{i}": random.normal(i, 1 + i, rows).round(6) for i in range(_FLOATS)}
    whole = {f"whole_{i}": random.integers(0, 10 ** (i + 1), rows) for i in range(_WHOLE)}
    signal = 3 * floats["float_1"] - 2 * floats["float_2"] + whole["whole_0"]
    columns = {"id": pa.array(np.arange(start, start + rows))}
    # values are missing in every other column of numbers
    for number, (name, values) in enumerate({**floats, **whole}.items()):
        columns[name] = pa.array(values, mask=random.random(rows) < 0.05 * (number % 2))
    for i in range(_FEW):
        columns[f"few_{i}"] = _codes(random, rows, 3 * (i + 1), f"level {i}-")
    columns["city"] = _codes(random, rows, 2_000, "city-")
    columns["product"] = _codes(random, rows, 50_000, "P")
    for i in range(_FLAGS):
        columns[f"flag_{i}"] = pa.array(random.random(rows) < 0.3)
    moments = pa.array(_FIRST_SECOND + random.integers(0, 1_500, rows) * _DAY)
    days = moments.cast(pa.timestamp("s"))
    columns["ordered"] = pc.strftime(days, format="%Y-%m-%d")
    columns["delivered"] = pc.strftime(days, format="%d/%m/%Y")
    words = [pa.array(_WORDS).take(pa.array(random.integers(0, len(_WORDS), rows))) for _ in "123"]
    columns["note"] = pc.binary_join_element_wise(*words, columns["id"].cast(pa.string()), " ")
    columns[TARGET] = pa.array((signal + random.normal(0, 1, rows)).round(6))
    return pa.table(columns)


def _codes(random: np.random.Generator, rows: int, count: int, prefix: str) -> pa.Array:
    # some values are frequent, most are rare, as everywhere
    codes = np.minimum((count * random.random(rows) ** 3).astype(int), count - 1)
    names = pa.array([f"{prefix}{number}" for number in range(count)])
    return names.take(pa.array(codes, mask=random.random(rows) < 0.02))
