"""Reading a registered data set for its preparation, and how much memory that takes."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from ml.tabular.schema import Schema

_CELL_BYTES = 8
# the frame, the part that is cut out of it, and what fitting takes a column at a time
_COPIES = 2.5


def read_data(path: Path, schema: Schema, columns: Collection[str]) -> pd.DataFrame:
    """The columns of a Parquet file that are wanted, in the file's order.

    Categories stay encoded as the file has them, so no cell becomes a text of its own.

    Parameters
    ----------
    path : Path
    schema : Schema
    columns : collection of str
        What the file has not of them is left out.
    """
    file = parquet.ParquetFile(path)
    names = [name for name in file.schema_arrow.names if name in columns]
    encoded = [
        name
        for name in schema.of_kind("category")
        if name in names and _is_text(file.schema_arrow.field(name).type)
    ]
    table = parquet.read_table(path, columns=names, read_dictionary=encoded)
    # a column is given up as soon as pandas has it
    return table.to_pandas(self_destruct=True, split_blocks=True, ignore_metadata=True)


def bytes_needed(path: Path, columns: Collection[str]) -> float:
    """About how much memory it takes to read these columns and cut parts of them."""
    file = parquet.ParquetFile(path)
    names = {name for name in file.schema_arrow.names if name in columns}
    texts = 0
    for group in range(file.metadata.num_row_groups):
        chunks = file.metadata.row_group(group)
        for place in range(chunks.num_columns):
            chunk = chunks.column(place)
            if chunk.path_in_schema in names and chunk.physical_type == "BYTE_ARRAY":
                texts += chunk.total_uncompressed_size
    return _COPIES * (file.metadata.num_rows * len(names) * _CELL_BYTES + texts)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)
