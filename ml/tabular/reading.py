"""Reading a user's CSV or Parquet file, and saying what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pandas.api.types import is_string_dtype
from pyarrow import csv, parquet

from ml.runtime.errors import DataError

_HEAD_BYTES = 65536
_DELIMITERS = (",", ";", "\t", "|")
_OTHER_FORMATS = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
}
_BAD_TYPE = re.compile(r"In CSV column #(\d+): .*conversion error", re.DOTALL)
_RAGGED = re.compile(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")
_DECIMAL_COMMA = r"\s*[+-]?\d+(,\d+)?([eE][+-]?\d+)?\s*"


@dataclass(frozen=True)
class _Layout:
    """How a CSV file is written.

    Parameters
    ----------
    delimiter : str
    blank_lines : int
        Lines without a character in front of the header.
    """

    delimiter: str
    blank_lines: int

    @property
    def parse(self) -> csv.ParseOptions:
        return csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True)

    def read(self, threads: bool = True) -> csv.ReadOptions:
        return csv.ReadOptions(use_threads=threads, skip_rows=self.blank_lines)


def read_table(path: Path, texts: Collection[str] = ()) -> pd.DataFrame:
    """Read a CSV or Parquet file into a frame with named columns.

    Parameters
    ----------
    path : Path
        A file; what it holds decides the format, not its name.
    texts : collection of str
        Columns of a CSV that are texts, though the values in this file look like numbers.

    Raises
    ------
    DataError
        When the file is missing, empty, of another format, not UTF-8, ragged, or has columns
        without a name, with the same name, or of nested or binary values.
    """
    head = _head(path)
    if head.startswith(b"PAR1"):
        frame = _read_parquet(path)
    else:
        _refuse_other_formats(path, head)
        frame = _read_csv(path, head, texts)
    frame.columns = [str(name).strip() for name in frame.columns]
    _check_names(list(frame.columns), str(path))
    if frame.empty:
        raise DataError(
            "the file has a header but no rows", where=str(path), mend="add rows of data"
        )
    return frame


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise DataError(
            f"the file cannot be read: {error.strerror}",
            where=str(path),
            mend="give the path of a CSV or Parquet file that you may read",
        ) from None
    if not head.strip():
        raise DataError(
            "the file is empty",
            where=str(path),
            mend="give a CSV or Parquet file with a header and rows",
        )
    return head


def _refuse_other_formats(path: Path, head: bytes) -> None:
    found = next((name for mark, name in _OTHER_FORMATS.items() if head.startswith(mark)), None)
    start = head.lstrip()[:15].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        found = "a web page or XML"
    elif start.startswith((b"{", b"[{", b"[\n")):
        found = "JSON"
    elif not found and b"\0" in head:
        found = "binary"
    if found:
        raise DataError(
            f"the file is {found}, neither CSV nor Parquet",
            where=str(path),
            mend="save the table as CSV (UTF-8) or as Parquet",
        )


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        table = parquet.read_table(path)
        _refuse_nested(path, table.schema)
        return table.cast(_without_decimals(table.schema)).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"the Parquet file is damaged: {_first_line(error)}",
            where=str(path),
            mend="write the file again, and copy it whole",
        ) from None


def _refuse_nested(path: Path, schema: pa.Schema) -> None:
    bad = [f"{one.name} ({one.type})" for one in schema if _is_nested_or_binary(one.type)]
    if bad:
        raise DataError(
            f"there are columns of nested or binary values: {', '.join(bad)}",
            where=str(path),
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


def _without_decimals(schema: pa.Schema) -> pa.Schema:
    """The schema with float64 in place of decimals, which pandas holds as objects."""
    fields = [
        one.with_type(pa.float64()) if pa.types.is_decimal(one.type) else one for one in schema
    ]
    return pa.schema(fields, metadata=schema.metadata)


def _read_csv(path: Path, head: bytes, texts: Collection[str]) -> pd.DataFrame:
    layout = _layout(_decode(path, head))
    names = _header_names(path, layout)
    _check_names([name.strip() for name in names], f"{path}:1")
    types = {name: pa.string() for name in names if name.strip() in texts}
    table = _read_with_types(path, layout, names, types)
    if any(pa.types.is_binary(one.type) for one in table.schema):
        raise _not_utf8(path)
    # a time of day is a category: as it is spelled, not as Arrow would
    times = {one.name: pa.string() for one in table.schema if pa.types.is_time(one.type)}
    if times:
        table = _read_with_types(path, layout, names, types | times)
    frame = table.to_pandas()
    if layout.delimiter == ";":
        _read_decimal_commas(frame, texts)
    return frame


def _layout(head: str) -> _Layout:
    lines = head.splitlines()
    header = next(number for number, line in enumerate(lines) if line.strip())
    return _Layout(max(_DELIMITERS, key=lines[header].count), header)


def _read_with_types(
    path: Path, layout: _Layout, names: list[str], given: dict[str, pa.DataType]
) -> pa.Table:
    types = dict(given)
    while True:
        options = csv.ConvertOptions(column_types=types, strings_can_be_null=True)
        try:
            return csv.read_csv(path, layout.read(), layout.parse, options)
        except pa.ArrowInvalid as error:
            # types are guessed from the first block; a text further down makes it a text column
            late = _BAD_TYPE.search(str(error))
            name = names[int(late[1])] if late else None
            if name is None or name in types:
                raise _unreadable(path, layout, error) from None
            types[name] = pa.string()


def _read_decimal_commas(frame: pd.DataFrame, texts: Collection[str]) -> None:
    """Make numbers, in place, of the text columns that hold nothing but 1,5 and the like."""
    for name in frame.columns:
        values = frame[name]
        if str(name).strip() in texts or not is_string_dtype(values.dropna()):
            continue
        present = values.dropna()
        if len(present) and present.str.fullmatch(_DECIMAL_COMMA).all():
            frame[name] = pd.to_numeric(values.str.replace(",", "."))


def _header_names(path: Path, layout: _Layout) -> list[str]:
    try:
        with csv.open_csv(path, layout.read(), layout.parse) as reader:
            return reader.schema.names
    except pa.ArrowInvalid as error:
        raise _unreadable(path, layout, error) from None


def _unreadable(path: Path, layout: _Layout, error: pa.ArrowInvalid) -> DataError:
    if _RAGGED.search(str(error)):
        row, expected, got = _ragged_row(path, layout, error)
        return DataError(
            f"a row has {got} values where the header has {expected} columns",
            where=f"{path}, row {row}" if row else str(path),
            mend="put values that contain the separator in quotes, or complete the row",
        )
    if "UTF8" in str(error) or "UTF-8" in str(error):
        return _not_utf8(path)
    return DataError(
        f"the file cannot be read as CSV: {_first_line(error)}",
        where=str(path),
        mend="save the table as CSV (UTF-8) or as Parquet",
    )


def _ragged_row(path: Path, layout: _Layout, error: pa.ArrowInvalid) -> tuple[str, str, str]:
    """Row number (the header is row 1), columns expected and found, as texts."""
    message = str(error)
    try:
        # only a reader with one thread counts the rows
        csv.read_csv(path, layout.read(threads=False), layout.parse)
    except pa.ArrowInvalid as counted:
        message = str(counted)
    found = _RAGGED.search(message) or _RAGGED.search(str(error))
    return found[1] or "", found[2], found[3]


def _decode(path: Path, head: bytes) -> str:
    try:
        # the last character of the head may be cut in two
        return head.decode("utf-8-sig", errors="strict" if len(head) < _HEAD_BYTES else "ignore")
    except UnicodeDecodeError:
        raise _not_utf8(path) from None


def _not_utf8(path: Path) -> DataError:
    return DataError(
        "the file is not UTF-8 text", where=str(path), mend="save the table as CSV in UTF-8"
    )


def _check_names(names: list[str], where: str) -> None:
    if not all(names):
        raise DataError(
            f"column {names.index('') + 1} has no name",
            where=where,
            mend="give every column a name in the first row",
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"several columns have the same name: {', '.join(twice)}",
            where=where,
            mend="give every column a name of its own",
        )


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
