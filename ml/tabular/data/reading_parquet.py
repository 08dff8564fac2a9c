"""Reading a Parquet file."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from ml.runtime.errors import DataError

_CELL_BYTES = 8
# pandas' name for labels of rows that it stores without one of their own: no column of anybody's
_ROW_LABELS = re.compile(r"__index_level_\d+__")


def size(path: Path, shown: str) -> int:
    """Bytes that the file's values take in memory, about: texts of a dictionary count once."""
    try:
        described = parquet.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise damaged(error, shown) from None
    groups = range(described.num_row_groups)
    encoded = sum(described.row_group(number).total_byte_size for number in groups)
    return encoded + _CELL_BYTES * described.num_rows * described.num_columns


def read(path: Path, shown: str) -> pa.Table:
    """The table in a file.

    Parameters
    ----------
    path : Path
    shown : str
        The file as the user named it, for messages.

    Raises
    ------
    DataError
        The file is damaged, or has columns of nested or binary values.
    """
    try:
        with parquet.ParquetFile(path) as file:
            _refuse_nested(file.schema_arrow, shown)
            names = [name for name in file.schema_arrow.names if not _ROW_LABELS.fullmatch(name)]
            return file.read(names)
    except (pa.ArrowException, OSError) as error:
        raise damaged(error, shown) from None


def schema_of(path: Path, shown: str) -> pa.Schema:
    """The columns of a file; errors are those of :func:`read`."""
    try:
        found = parquet.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise damaged(error, shown) from None
    _refuse_nested(found, shown)
    return found


def damaged(error: Exception, shown: str) -> DataError:
    """The error of a file that Arrow cannot read, in its user's words."""
    return DataError(
        f"the Parquet file is damaged: {str(error).splitlines()[0]}",
        where=shown,
        mend="write the file again, and copy it whole",
    )


def _refuse_nested(schema: pa.Schema, shown: str) -> None:
    bad = [f"{one.name} ({one.type})" for one in schema if _is_nested_or_binary(one.type)]
    if bad:
        raise DataError(
            f"there are columns of nested or binary values: {', '.join(bad)}",
            where=shown,
            mend="leave these columns out, or store numbers, texts or dates in them",
        )


def _is_nested_or_binary(kind: pa.DataType) -> bool:
    tests = (
        pa.types.is_nested,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_fixed_size_binary,
        pa.types.is_binary_view,
    )
    return any(test(kind) for test in tests)
