"""Reading a user's CSV or Parquet file, and saying what is wrong with it."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
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


def read_table(path: Path) -> pd.DataFrame:
    """Read a CSV or Parquet file into a frame with named columns.

    Parameters
    ----------
    path : Path
        A file; what it holds decides the format, not its name.

    Raises
    ------
    DataError
        When the file is missing, empty, of another format, not UTF-8, ragged, or has columns
        without a name or with the same name.
    """
    head = _head(path)
    if head.startswith(b"PAR1"):
        frame = _read_parquet(path)
    else:
        _refuse_other_formats(path, head)
        frame = _read_csv(path, head)
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
        return parquet.read_table(path).to_pandas()
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            f"the Parquet file is damaged: {_first_line(error)}",
            where=str(path),
            mend="write the file again, and copy it whole",
        ) from None


def _read_csv(path: Path, head: bytes) -> pd.DataFrame:
    header = _decode(path, head).splitlines()[0]
    delimiter = max(_DELIMITERS, key=header.count)
    names = _header_names(path, delimiter)
    _check_names([name.strip() for name in names], f"{path}:1")
    types: dict[str, pa.DataType] = {}
    while True:
        try:
            table = csv.read_csv(
                path,
                parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
                convert_options=csv.ConvertOptions(column_types=types, strings_can_be_null=True),
            )
            return table.to_pandas()
        except pa.ArrowInvalid as error:
            # types are guessed from the first block; a text further down makes it a text column
            late = _BAD_TYPE.search(str(error))
            name = names[int(late[1])] if late else None
            if name is None or name in types:
                raise _unreadable(path, delimiter, error) from None
            types[name] = pa.string()


def _header_names(path: Path, delimiter: str) -> list[str]:
    options = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    try:
        with csv.open_csv(path, parse_options=options) as reader:
            return reader.schema.names
    except pa.ArrowInvalid as error:
        raise _unreadable(path, delimiter, error) from None


def _unreadable(path: Path, delimiter: str, error: pa.ArrowInvalid) -> DataError:
    if _RAGGED.search(str(error)):
        row, expected, got = _ragged_row(path, delimiter, error)
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


def _ragged_row(path: Path, delimiter: str, error: pa.ArrowInvalid) -> tuple[str, str, str]:
    """Row number (the header is row 1), columns expected and found, as texts."""
    options = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    message = str(error)
    try:
        # only a reader with one thread counts the rows
        csv.read_csv(path, csv.ReadOptions(use_threads=False), options)
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
