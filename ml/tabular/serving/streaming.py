"""Rows to predict, chunk after chunk: data of any size in bounded memory.

The types are those of the stored schema, never those that a chunk's own values suggest: a chunk is
read as it would be within the whole, however large chunks are.
"""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import pandas as pd

from ml.runtime.errors import DataError
from ml.tabular.conforming import BadValuesError, conform
from ml.tabular.data import reading_csv
from ml.tabular.data.replaying import Replay
from ml.tabular.data.table_files import Batch, TableFile
from ml.tabular.schema import Schema

MAX_ROWS = 65_536
MIN_ROWS = 256
# numbers in the matrix that a model gets of one chunk: 64 MB
MAX_CELLS = 8_000_000
# chunks that are read while one is predicted
AHEAD = 2

_Item = TypeVar("_Item")
_END = object()


@dataclass(frozen=True)
class Chunk:
    """Some rows of one file.

    Parameters
    ----------
    features : DataFrame
        The rows that conform to the schema; the index holds their numbers in the file.
    kept : ndarray of int64
        The positions of these rows in the chunk.
    rows : ndarray of int64
        The number of each row of the chunk in its file, from 0 on.
    truth : Series or None
        The target as it was read, of the rows of `features`; None where it is not there.
    shown : str
        The file as the user named it.
    bad : dict of int to str
        Position in the chunk → why the row cannot be predicted.
    """

    features: pd.DataFrame
    kept: np.ndarray
    rows: np.ndarray
    truth: pd.Series | None
    shown: str
    bad: dict[int, str] = field(default_factory=dict)


def rows_per_chunk(inputs: int) -> int:
    """How many rows a chunk has of which a model gets so many inputs."""
    return int(np.clip(MAX_CELLS // max(1, inputs), MIN_ROWS, MAX_ROWS))


def is_of_rows(error: DataError) -> bool:
    """Whether an error is one of single rows, which could be left out."""
    return isinstance(error, BadValuesError | reading_csv.RaggedError)


def file_chunks(
    files: Sequence[TableFile],
    schema: Schema,
    rows: int,
    *,
    truth: bool,
    skip: bool,
    edits: Sequence[Replay | None] = (),
) -> Iterator[Chunk]:
    """The rows of files, one file after the other.

    Parameters
    ----------
    files : sequence of TableFile
    schema : Schema
    rows : int
        At most so many in a chunk.
    truth : bool
        Whether the target is read where a file has it.
    skip : bool
        Whether rows that are not what the schema says are left out, in place of ending it.
    edits : sequence of Replay or None
        What is to be done to the rows of each file; nothing is by default.

    Raises
    ------
    DataError
        Where the first row is that cannot be read or does not conform, and why.
    """
    for file, edit in itertools.zip_longest(files, edits):
        if edit is not None:
            kinds = edit.kinds(file.names, truth=truth)
        else:
            kinds = {column.name: column.kind for column in schema.columns}
            if truth and schema.target in file.names:
                kinds[schema.target] = "category" if schema.is_classification else "numeric"
        for batch in file.batches(kinds, rows, skip):
            yield _chunk(batch, schema, file.shown, skip, edit)


def frame_chunks(
    frame: pd.DataFrame,
    schema: Schema,
    rows: int,
    shown: str,
    *,
    truth: bool,
    skip: bool,
    edit: Replay | None = None,
) -> Iterator[Chunk]:
    """The rows of a frame that is in memory; otherwise as :func:`file_chunks`."""
    if edit is not None:
        frame = frame[list(edit.kinds(frame.columns, truth=truth))]
    elif not truth:
        frame = frame.drop(columns=schema.target, errors="ignore")
    for start in range(0, len(frame), rows):
        part = frame.iloc[start : start + rows]
        batch = Batch(part, np.arange(start, start + len(part)))
        yield _chunk(batch, schema, shown, skip, edit)


def ahead(items: Iterator[_Item], depth: int = AHEAD) -> Iterator[_Item]:
    """The same items, made by another thread while the earlier ones are used.

    Parameters
    ----------
    items : iterator
        What it raises is raised here, after the items before it.
    depth : int
        How many wait at most.
    """
    waiting: queue.Queue = queue.Queue(depth)
    stopped = threading.Event()

    def offer(item: object) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def make() -> None:
        try:
            for item in items:
                if not offer(item):
                    return
            offer(_END)
        except BaseException as error:
            offer(_Raised(error))

    maker = threading.Thread(target=make, name="reader", daemon=True)
    maker.start()
    try:
        while (item := waiting.get()) is not _END:
            if isinstance(item, _Raised):
                raise item.error
            yield item
    finally:
        # whoever takes no more must not leave a reader that waits for ever
        stopped.set()
        maker.join()


@dataclass(frozen=True)
class _Raised:
    error: BaseException


def _chunk(batch: Batch, schema: Schema, shown: str, skip: bool, edit: Replay | None) -> Chunk:
    bad = dict(batch.bad)
    kept = np.setdiff1d(np.arange(len(batch.rows)), list(bad))
    # messages count rows by the index
    frame = batch.frame.set_axis(batch.rows[kept], axis=0)
    while True:
        try:
            edited = frame if edit is None else edit.apply(frame, shown)
            features = conform(edited, schema, shown)
            break
        except BadValuesError as error:
            if not skip:
                raise
            # what else is wrong with such a row does not count
            for position, value in zip(error.positions, error.values, strict=True):
                bad[int(kept[position])] = f"{error.column} holds {value!r}, not {error.expected}"
            good = np.setdiff1d(np.arange(len(kept)), error.positions)
            kept, frame = kept[good], frame.iloc[good]
    truth = edited[schema.target] if schema.target in edited.columns else None
    return Chunk(features, kept, batch.rows, truth, shown, bad)
