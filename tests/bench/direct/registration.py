"""Registering a CSV file, written directly with pyarrow.

`python -m tests.bench.direct.registration SOURCE TARGET OUT`
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from tests.bench.direct.outputs import BLUE, ORANGE, Outputs

_BLOCK_ROWS = 1 << 17
_MOMENT = pa.timestamp("us")
_DATE, _DATE_FORMAT = r"^\d{1,2}/\d{1,2}/\d{4}$", "%d/%m/%Y"
_CODE, _ID = r"^0\d{3,}$", re.compile(r"(?i)(^|[_\s])id$")
# what a text is told by: numbers, numbers with separators or units, ids, words
_LOOKS = (
    r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$",
    r"^\s*[+-]?\d{1,3}((,\d{3})+(\.\d+)?|(\.\d{3})+(,\d+)?|([ ']\d{3})+([.,]\d+)?)\s*$",
    r"^\s*[€$£¥]?\s?[+-]?\d[\d.,' ]*\s?[A-Za-zµ°%€$£¥²³/]{0,6}\s*$",
    r"\S\s+\S",
)
_UNIQUE_LOOKS = (
    r"^\{?[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?$",
    r"^([0-9a-fA-F]{16,}|[A-Za-z0-9+/_=-]{24,})$",
)


def main(source: Path, target: str, out: Path) -> None:
    """Read, look at each column, hash, write, draw."""
    outputs = Outputs(out)
    table = _read(outputs.read(source))
    profile, columns = [], []
    for position, name in enumerate(table.column_names):
        column = table.column(position)
        if pa.types.is_date(column.type):
            column = column.cast(_MOMENT)
        row, values = _described(name, column)
        kind = "numeric"
        if pa.types.is_timestamp(column.type):
            kind = "datetime"
        elif values is not None and pa.types.is_string(column.type):
            kind = _kind_of_texts(column, values)
            if kind == "datetime":
                column = pc.strptime(column, format=_DATE_FORMAT, unit="s").cast(_MOMENT)
                row, _ = _described(name, column)
        table = table.set_column(position, name, column)
        profile.append({**row, "kind": kind})
        if name != target and not (row["distinct"] == len(column) and _ID.search(name)):
            columns.append({"name": name, "kind": kind})
    schema = {"target": target, "columns": columns, "rows": table.num_rows, "hash": _hash(table)}
    parquet.write_table(table, out / "data.parquet", row_group_size=_BLOCK_ROWS)
    outputs.json("schema", schema)
    outputs.json("profile", profile)
    shown = pd.DataFrame(profile)
    print(shown.to_string(index=False, max_colwidth=48))
    shown.to_csv(out / "profile.csv", index=False)
    _draw(table[target], shown, outputs)
    outputs.close()


def _read(source: Path) -> pa.Table:
    """The table; codes that begin with a zero stay texts, which the first block tells."""
    with csv.open_csv(source) as reader:
        names = reader.schema.names
    texts = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True
    )
    with csv.open_csv(source, convert_options=texts) as reader:
        head = reader.read_next_batch()
    codes = [name for name in names if pc.any(pc.match_substring_regex(head[name], _CODE)).as_py()]
    options = csv.ConvertOptions(
        column_types=dict.fromkeys(codes, pa.string()), strings_can_be_null=True
    )
    return csv.read_csv(source, convert_options=options)


def _described(name: str, column: pa.ChunkedArray) -> tuple[dict[str, Any], pa.Array | None]:
    """Counts of a column, and its different texts."""
    row: dict[str, Any] = {"column": name, "missing": column.null_count}
    if pa.types.is_string(column.type) or pa.types.is_boolean(column.type):
        counted = pc.value_counts(column)
        values, counts = counted.field("values"), counted.field("counts")
        there = pc.is_valid(values)
        values, counts = values.filter(there), counts.filter(there)
        most = values[pc.index(counts, pc.max(counts)).as_py()].as_py()
        examples = ", ".join(map(str, values.slice(0, 3).to_pylist()))
        row |= {"distinct": len(values), "most frequent": most, "examples": examples}
        return row, values
    odd = (pc.is_nan, pc.is_inf) if pa.types.is_floating(column.type) else ()
    if any(pc.any(test(column)).as_py() for test in odd):
        raise ValueError(f"{name} holds values that are not finite")
    limits = pc.min_max(column)
    row |= {"min": limits["min"].as_py(), "max": limits["max"].as_py()}
    row["distinct"] = pc.count_distinct(column).as_py()
    if not pa.types.is_timestamp(column.type):
        row["mean"] = pc.mean(column).as_py()
    first = pc.unique(column.slice(0, 100).drop_null()).slice(0, 3)
    row["examples"] = ", ".join(map(str, first.to_pylist()))
    return row, None


def _kind_of_texts(column: pa.ChunkedArray, values: pa.Array) -> str:
    if pc.all(pc.match_substring_regex(values.slice(0, 50), _DATE)).as_py():
        read = pc.strptime(values, format=_DATE_FORMAT, unit="s", error_is_null=True)
        if not read.null_count:
            return "datetime"
    is_unique = len(values) == len(column) - column.null_count
    looks = (*_UNIQUE_LOOKS, *_LOOKS) if is_unique else _LOOKS
    shares = [
        pc.mean(pc.match_substring_regex(values, one).cast(pa.int8())).as_py() for one in looks
    ]
    numbers = values.filter(pc.match_substring_regex(values, _LOOKS[0]))
    pc.sum(pc.is_in(column, value_set=numbers)).as_py()
    many = 2 * len(values) >= len(column) - column.null_count
    return "text" if shares[-1] >= 0.5 and many else "category"


def _hash(table: pa.Table) -> str:
    """A hash of the values: of texts their lengths and characters, of the rest 8 bytes each."""
    whole = hashlib.blake2b(digest_size=16)
    for name, column in zip(table.column_names, table.columns, strict=True):
        whole.update(name.encode())
        if pa.types.is_string(column.type):
            for chunk in column.chunks:
                lengths = pc.fill_null(pc.binary_length(chunk).cast(pa.int64()), -1)
                whole.update(lengths.to_numpy(zero_copy_only=False))
                there = chunk.drop_null()
                _, offsets, data = there.buffers()
                limits = np.frombuffer(offsets, np.int32)[there.offset :][: len(there) + 1]
                whole.update(memoryview(data)[limits[0] : limits[-1]])
            continue
        for start in range(0, len(column), _BLOCK_ROWS):
            block = column.slice(start, _BLOCK_ROWS)
            if pa.types.is_boolean(block.type):
                numbers = pc.fill_null(block.cast(pa.int8()), -1).to_numpy()
            elif pa.types.is_timestamp(block.type):
                numbers = pc.fill_null(block.cast(pa.int64()), np.iinfo(np.int64).min).to_numpy()
            else:
                floats = pc.fill_null(block.cast(pa.float64(), safe=False), np.nan).to_numpy()
                numbers = np.where(np.isnan(floats), np.nan, floats + 0.0)
            whole.update(numbers)
    return whole.hexdigest()


def _draw(target: pa.ChunkedArray, profile: pd.DataFrame, outputs: Outputs) -> None:
    counts, edges = np.histogram(target.drop_null().to_numpy(), bins=40)
    middles = ((edges[1:] + edges[:-1]) / 2).tolist()
    bars = go.Bar(x=middles, y=counts.tolist(), width=np.diff(edges).tolist(), marker_color=BLUE)
    outputs.figure("target", go.Figure(bars))
    lacking = profile[profile["missing"] > 0].sort_values("missing")
    bars = go.Bar(
        x=lacking["missing"].tolist(),
        y=lacking["column"].tolist(),
        orientation="h",
        marker_color=ORANGE,
    )
    outputs.figure("missing", go.Figure(bars))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
