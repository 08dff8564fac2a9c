"""Files of rows that are read in batches, with the columns and types that somebody else gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from ml.tabular.data import encodings, reading, reading_csv, reading_parquet
from ml.tabular.data.arrow_types import MOMENT, canonical, is_text

# bytes of a CSV that are held at a time; a row is never longer than its header by so many times
_BLOCK = 4 << 20
_ROW_FACTOR = 64
# pandas' name for row labels that it stores without one of their own
_LABELS = "__index_level_0__"
_CODED = pa.dictionary(pa.int32(), pa.string())
_TEXTS = ("category", "text")


@dataclass(frozen=True)
class Batch:
    """Some rows of a file.

    Parameters
    ----------
    frame : DataFrame
        The columns that were asked for, of the rows that could be read.
    rows : ndarray of int64
        The number of each row in the file, of those too that could not be read.
    bad : dict of int to str
        Position in the batch → why there is nothing of the row to read.
    """

    frame: pd.DataFrame
    rows: np.ndarray
    bad: dict[int, str] = field(default_factory=dict)


class TableFile(ABC):
    """A file of rows.

    Parameters
    ----------
    path : Path
    shown : str
        The file as the user named it, for messages.
    """

    names: list[str]

    def __init__(self, path: Path, shown: str) -> None:
        self.path = path
        self.shown = shown

    @abstractmethod
    def batches(self, kinds: Mapping[str, str], rows: int, skip: bool) -> Iterator[Batch]:
        """Its rows, in order.

        Parameters
        ----------
        kinds : mapping
            The columns to read and what they are, as in :data:`~ml.tabular.schema.ColumnKind`.
        rows : int
            At most so many in a batch.
        skip : bool
            Whether a row that cannot be read is left out and named, in place of an error.
        """


def open_file(path: Path, shown: str, encoding: str = encodings.UTF_8) -> TableFile:
    """A CSV or Parquet file; what it holds decides, not its name.

    Raises
    ------
    DataError
        As :func:`ml.tabular.data.reading.read_arrow`, as far as the file's beginning shows it.
    """
    head = reading.checked_head(path, encoding, shown)
    if reading.is_parquet(head):
        return ParquetFile(path, shown)
    return CsvFile(path, shown, head, encoding)


class CsvFile(TableFile):
    """A CSV file: every column is read as texts, and made what it is meant to be."""

    def __init__(self, path: Path, shown: str, head: bytes, encoding: str) -> None:
        super().__init__(path, shown)
        self._layout = reading_csv.layout_of(path, head, encoding, shown, quoted=True)
        self._header = reading_csv.header_of(path, self._layout, shown)
        self.names = [name.strip() for name in self._header]

    def batches(self, kinds: Mapping[str, str], rows: int, skip: bool) -> Iterator[Batch]:
        """Its rows, in order."""
        ragged: dict[int, str] = {}
        try:
            with self._reader(kinds, ragged if skip else None) as reader:
                number = 0
                for block in reader:
                    table = pa.Table.from_batches([block]).rename_columns(
                        [name.strip() for name in block.schema.names]
                    )
                    for start in range(0, table.num_rows, rows):
                        part = table.slice(start, rows)
                        batch = _with_ragged(self._frame(part, kinds), number, ragged)
                        number += len(batch.rows)
                        yield batch
                if ragged:
                    yield _with_ragged(pd.DataFrame(columns=list(kinds)), number, ragged)
        except (pa.ArrowInvalid, UnicodeError) as error:
            raise reading_csv.unreadable(self.path, self._layout, error, self.shown) from None

    def _reader(
        self, kinds: Mapping[str, str], ragged: dict[int, str] | None
    ) -> csv.CSVStreamingReader:
        def note(row: csv.InvalidRow) -> str:
            # lines before the header count, and the header
            number = row.number - 2 - self._layout.blank_lines
            ragged[number] = f"{row.actual_columns} values in {row.expected_columns} columns"
            return "skip"

        read, parse = self._layout.read(threads=False), self._layout.parse
        read.block_size = max(_BLOCK, _ROW_FACTOR * len(self._layout.delimiter.join(self.names)))
        if ragged is not None:
            parse.invalid_row_handler = note
        wanted = [name for name in self._header if name.strip() in kinds]
        types = {name: _CODED if kinds[name.strip()] in _TEXTS else pa.string() for name in wanted}
        convert = csv.ConvertOptions(
            column_types=types, include_columns=wanted, strings_can_be_null=True
        )
        return csv.open_csv(self.path, read, parse, convert)

    def _frame(self, table: pa.Table, kinds: Mapping[str, str]) -> pd.DataFrame:
        comma = self._layout.delimiter == ";"
        columns = {
            name: _typed(table.column(name), kinds[name], comma) for name in table.column_names
        }
        return pa.table(columns).to_pandas()


class ParquetFile(TableFile):
    """A Parquet file: its own types, but for texts, which are coded."""

    def __init__(self, path: Path, shown: str) -> None:
        super().__init__(path, shown)
        schema = reading_parquet.schema_of(path, shown)
        self._types = {one.name.strip(): one.type for one in schema if one.name != _LABELS}
        self._spelled = {one.name.strip(): one.name for one in schema}
        reading_csv.check_names([one.name.strip() for one in schema], shown)
        self._labelled = _LABELS in self._spelled and pa.types.is_integer(
            schema.field(_LABELS).type
        )
        self.names = list(self._types)

    def batches(self, kinds: Mapping[str, str], rows: int, skip: bool) -> Iterator[Batch]:
        """Its rows, in order."""
        texts = [name for name in kinds if kinds[name] in _TEXTS and is_text(self._types[name])]
        coded = [self._spelled[name] for name in texts]
        wanted = [self._spelled[name] for name in kinds]
        number = 0
        for block in self._blocks([*wanted, *([_LABELS] if self._labelled else [])], rows, coded):
            table = _canonical(block.rename_columns([name.strip() for name in block.column_names]))
            frame = table.to_pandas()
            labels = frame.pop(_LABELS) if self._labelled else None
            numbers = np.arange(number, number + len(frame))
            number += len(frame)
            yield Batch(frame, numbers if labels is None else labels.to_numpy(np.int64))

    def _blocks(self, wanted: list[str], rows: int, coded: list[str]) -> Iterator[pa.Table]:
        try:
            with parquet.ParquetFile(self.path, read_dictionary=coded, buffer_size=_BLOCK) as file:
                for block in file.iter_batches(rows, columns=wanted, use_threads=False):
                    yield pa.Table.from_batches([block]).replace_schema_metadata()
        except (pa.ArrowException, OSError) as error:
            raise reading_parquet.damaged(error, self.shown) from None


def _canonical(table: pa.Table) -> pa.Table:
    """As :func:`ml.tabular.data.arrow_types.canonical`, but coded texts stay coded."""
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        coded = pa.types.is_dictionary(column.type) and is_text(column.type.value_type)
        if coded and not any("" in part.dictionary.to_pylist() for part in column.chunks):
            columns[name] = column
        else:
            columns[name] = canonical(pa.table({name: column})).column(0)
    return pa.table(columns)


def _typed(column: pa.ChunkedArray, kind: str, comma: bool) -> pa.ChunkedArray:
    """A column of texts as what it is meant to be; as it is where some text is none such."""
    if kind == "numeric":
        return _numbers(column, comma)
    if kind == "datetime":
        try:
            return column.cast(MOMENT)
        except pa.ArrowInvalid:
            return column
    return column


def _numbers(column: pa.ChunkedArray, comma: bool) -> pa.ChunkedArray:
    try:
        return column.cast(pa.float64())
    except pa.ArrowInvalid:
        pass
    texts = pc.utf8_trim_whitespace(column)
    if comma:
        texts = pc.replace_substring(texts, ",", ".", max_replacements=1)
    for text, number in (("true", "1"), ("false", "0")):
        texts = pc.if_else(pc.equal(pc.utf8_lower(texts), text), number, texts)
    try:
        return texts.cast(pa.float64())
    except pa.ArrowInvalid:
        return texts


def _with_ragged(frame: pd.DataFrame, first: int, ragged: dict[int, str]) -> Batch:
    """The rows with those between them that could not be read, which are taken out of `ragged`.

    Parameters
    ----------
    frame : DataFrame
        Rows that were read, one after the other.
    first : int
        The number of the first row in the file, a bad one or not.
    ragged : dict
        Row number → why, of bad rows that are yet to be placed, in order.
    """
    bad: dict[int, str] = {}
    if not ragged:
        return Batch(frame, np.arange(first, first + len(frame)))
    end = first + len(frame)
    for number in list(ragged):
        if number >= end and len(frame):
            break
        bad[number - first] = ragged.pop(number)
        end += 1
    return Batch(frame, np.arange(first, first + len(frame) + len(bad)), bad)
