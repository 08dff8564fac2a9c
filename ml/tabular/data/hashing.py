"""A hash of a table's values: the same whatever file they came in and however it was cut."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.tabular.data.arrow_types import is_text

_LENGTH = 16  # bytes
_BLOCK_ROWS = 1 << 17


def table_hash(table: pa.Table) -> str:
    """The hash of a canonical table, as 32 hexadecimal digits.

    Numbers are hashed as float64 and moments as microseconds, so that a column of whole numbers
    counts as the same one in a file that holds them with a point. The columns' names and their
    order count, too.
    """
    whole = hashlib.blake2b(digest_size=_LENGTH)
    for name, column in zip(table.column_names, table.columns, strict=True):
        whole.update(f"{len(name)}:{name}".encode())
        whole.update(_column_digest(column))
    return whole.hexdigest()


def _column_digest(column: pa.ChunkedArray) -> bytes:
    if is_text(column.type):
        return _text_digest(column)
    digest = hashlib.blake2b(_kind(column.type), digest_size=_LENGTH)
    for start in range(0, len(column), _BLOCK_ROWS):
        digest.update(_numbers(column.slice(start, _BLOCK_ROWS)))
    return digest.digest()


def _kind(kind: pa.DataType) -> bytes:
    if pa.types.is_timestamp(kind):
        return b"moment"
    return b"boolean" if pa.types.is_boolean(kind) else b"number"


def _numbers(block: pa.ChunkedArray) -> bytes:
    if pa.types.is_boolean(block.type):
        return pc.fill_null(block.cast(pa.int8()), -1).to_numpy().tobytes()
    if pa.types.is_timestamp(block.type):
        return pc.fill_null(block.cast(pa.int64()), np.iinfo(np.int64).min).to_numpy().tobytes()
    floats = pc.fill_null(block.cast(pa.float64(), safe=False), np.nan).to_numpy()
    # one spelling of NaN, and of zero
    return np.where(np.isnan(floats), np.nan, floats + 0.0).tobytes()


def _text_digest(column: pa.ChunkedArray) -> bytes:
    """Lengths and characters apart: where one block ends then makes no difference."""
    lengths = hashlib.blake2b(b"text", digest_size=_LENGTH)
    characters = hashlib.blake2b(digest_size=_LENGTH)
    for chunk in column.chunks:
        sizes = pc.fill_null(pc.binary_length(chunk).cast(pa.int64()), -1)
        lengths.update(sizes.to_numpy(zero_copy_only=False).tobytes())
        present = chunk.drop_null()
        if len(present):
            characters.update(_characters(present))
    return lengths.digest() + characters.digest()


def _characters(texts: pa.Array) -> memoryview:
    _, offsets, data = texts.buffers()
    width = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    limits = np.frombuffer(offsets, dtype=width)[texts.offset : texts.offset + len(texts) + 1]
    if data is None:
        return memoryview(b"")
    return memoryview(data)[limits[0] : limits[-1]]
