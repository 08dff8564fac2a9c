"""Reading a CSV file: how it is written, what its columns hold, and where it is broken."""

from __future__ import annotations

import mmap
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from ml.runtime.errors import DataError
from ml.tabular.data import encodings
from ml.tabular.data.arrow_types import MOMENT, is_text

_DELIMITERS = (",", ";", "\t", "|")
_BAD_TYPE = re.compile(r"In CSV column #(\d+): .*conversion error", re.DOTALL)
_RAGGED = re.compile(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")
_BAD_TEXT = ("UTF8", "UTF-8", "codec can't decode", "truncated data")
_DECIMAL_COMMA = r"^\s*[+-]?\d+(,\d+)?([eE][+-]?\d+)?\s*$"
_POINTED_THOUSANDS = r"^\s*[+-]?([1-9]\d{0,2}(\.\d{3})*|0)\s*$"
# codes such as 01067: as numbers they would lose their zeros
_PADDED_CODE = r"^0\d{3,}$"
_DIGITS = r"^\d{4,}$"
# more digits than an integer holds: as numbers they would lose their last ones
_LONG_CODE = r"^\d{19,}$"
# the header is row 1
_FIRST_ROW = 2
# after so many columns whose type the first block did not show, all are read as texts first
_MAX_SURPRISES = 3


class RaggedError(DataError):
    """A row has more or fewer values than the header has columns."""


@dataclass(frozen=True)
class Layout:
    """How a CSV file is written.

    Parameters
    ----------
    delimiter : str
    blank_lines : int
        Lines without a character in front of the header.
    quoted : bool
        Whether there is a quote anywhere, so that a value may hold a line's end.
    encoding : str
    """

    delimiter: str
    blank_lines: int
    quoted: bool
    encoding: str

    @property
    def parse(self) -> csv.ParseOptions:
        """Arrow's options of how rows are told apart."""
        return csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=self.quoted)

    def read(self, threads: bool = True) -> csv.ReadOptions:
        """Arrow's options of what is read; only one thread counts the rows."""
        return csv.ReadOptions(
            use_threads=threads, skip_rows=self.blank_lines, encoding=self.encoding
        )


def read(path: Path, head: bytes, texts: Collection[str], encoding: str, shown: str) -> pa.Table:
    """The table in a file.

    Parameters
    ----------
    path : Path
    head : bytes
        The file's first 64 KiB, or all of it.
    texts : collection of str
        Columns that are texts whatever their values look like.
    encoding : str
    shown : str
        The file as the user named it, for messages.

    Raises
    ------
    DataError
        Another encoding, ragged rows, or columns without a name of their own.
    """
    layout = layout_of(path, head, encoding, shown)
    try:
        sample = _sample(path, layout)
        names = sample.schema.names
        check_names([name.strip() for name in names], f"{shown}:1")
        types = {name: pa.string() for name in names if name.strip() in texts}
        types |= {name: pa.string() for name in _codes(sample)}
        table = _read_with_types(path, layout, names, types)
        # a time of day is a category: as it is spelled, not as Arrow would
        times = {one.name: pa.string() for one in table.schema if pa.types.is_time(one.type)}
        if times:
            table = _read_with_types(path, layout, names, types | times)
    except (pa.ArrowInvalid, UnicodeError) as error:
        raise unreadable(path, layout, error, shown) from None
    if any(pa.types.is_binary(one.type) for one in table.schema):
        raise encodings.wrongly_encoded(path, encoding, shown)
    if layout.delimiter == ";":
        numbers = _with_decimal_commas(table, texts)
        floats = [one.name for one in table.schema if pa.types.is_floating(one.type)]
        if numbers is not table and floats:
            spelled = types | times | dict.fromkeys(floats, pa.string())
            return _with_thousands(numbers, _read_with_types(path, layout, names, spelled), floats)
        return numbers
    return table


def check_names(names: list[str], where: str) -> None:
    """Refuse columns that have no name, or the same."""
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


def layout_of(
    path: Path, head: bytes, encoding: str, shown: str, quoted: bool | None = None
) -> Layout:
    """How a file is written; whether it has quotes is looked up in all of it, unless it is given.

    Raises
    ------
    DataError
        The file is of another encoding.
    """
    size = path.stat().st_size
    name = "utf-8-sig" if encodings.is_utf8(encoding) else encoding
    try:
        # the last character of the head may be cut in two
        text = head.decode(name, errors="strict" if len(head) == size else "ignore")
    except UnicodeError:
        raise encodings.wrongly_encoded(path, encoding, shown) from None
    lines = text.splitlines()
    number = next((number for number, line in enumerate(lines) if line.strip()), None)
    if number is None:
        raise encodings.wrongly_encoded(path, encoding, shown)
    if quoted is None:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
            quoted = whole.find(b'"') >= 0
    utf8 = encodings.is_utf8(encoding)
    delimiter = max(_DELIMITERS, key=lines[number].count)
    return Layout(delimiter, number, quoted, encodings.UTF_8 if utf8 else encoding)


def header_of(path: Path, layout: Layout, shown: str) -> list[str]:
    """The columns' names as the file spells them.

    Raises
    ------
    DataError
        The first row is no header, or columns have no name or the same.
    """
    parse = layout.parse
    # what is wrong with later rows is told by who reads them
    parse.invalid_row_handler = lambda row: "skip"
    try:
        with csv.open_csv(path, layout.read(), parse) as reader:
            names = reader.schema.names
    except (pa.ArrowInvalid, UnicodeError) as error:
        raise unreadable(path, layout, error, shown) from None
    check_names([name.strip() for name in names], f"{shown}:1")
    return names


def _sample(path: Path, layout: Layout) -> pa.RecordBatch:
    """The rows of the first block, all as texts."""
    with csv.open_csv(path, layout.read(), layout.parse) as reader:
        names = reader.schema.names
    convert = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True
    )
    nothing = pa.record_batch([pa.array([], pa.string()) for _ in names], names=names)
    if len(set(names)) < len(names):
        return nothing
    with csv.open_csv(path, layout.read(), layout.parse, convert) as reader:
        try:
            return reader.read_next_batch()
        except StopIteration:
            return nothing


def _codes(sample: pa.RecordBatch) -> list[str]:
    """Columns of digits that are no numbers: very long, or of one length and some begin with 0."""
    found = []
    for name, column in zip(sample.schema.names, sample.columns, strict=True):
        padded = pc.any(pc.match_substring_regex(column, _PADDED_CODE)).as_py()
        long = pc.any(pc.match_substring_regex(column, _LONG_CODE)).as_py()
        if not (padded or long):
            continue
        lengths = pc.min_max(pc.binary_length(column))
        if not long and lengths["min"] != lengths["max"]:
            continue
        if pc.all(pc.match_substring_regex(column, _DIGITS)).as_py():
            found.append(name)
    return found


def _read_with_types(
    path: Path, layout: Layout, names: list[str], given: dict[str, pa.DataType]
) -> pa.Table:
    """Read with the types of the first block; where a later block differs, look at the whole."""
    surprises: list[str] = []
    while True:
        types = given | dict.fromkeys(surprises, pa.string())
        options = csv.ConvertOptions(column_types=types, strings_can_be_null=True)
        try:
            table = csv.read_csv(path, layout.read(), layout.parse, options)
            break
        except pa.ArrowInvalid as error:
            late = _BAD_TYPE.search(str(error))
            name = names[int(late[1])] if late else None
            if name is None or name in types:
                raise
            surprises.append(name)
            if len(surprises) > _MAX_SURPRISES:
                surprises = [other for other in names if other not in given]
    for name in surprises:
        position = table.schema.get_field_index(name)
        table = table.set_column(position, name, _narrowed(table.column(position)))
    return table


def _narrowed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts as numbers, booleans or moments where all of them are such."""
    trimmed = pc.utf8_trim_whitespace(column)
    for kind in (pa.int64(), pa.float64(), pa.bool_(), MOMENT):
        try:
            return trimmed.cast(kind)
        except pa.ArrowInvalid:
            continue
    return column


def _with_decimal_commas(table: pa.Table, texts: Collection[str]) -> pa.Table:
    """The table with numbers where a text column holds nothing but 1,5 and the like."""
    for position, field in enumerate(table.schema):
        column = table.column(position)
        if field.name.strip() in texts or not is_text(field.type):
            continue
        numbers = pc.match_substring_regex(column, _DECIMAL_COMMA)
        padded = pc.match_substring_regex(column, _PADDED_CODE)
        if pc.all(numbers).as_py() and not pc.any(padded).as_py() and len(column.drop_null()):
            pointed = pc.replace_substring(pc.utf8_trim_whitespace(column), ",", ".")
            table = table.set_column(position, field.name, pointed.cast(pa.float64()))
    return table


def _with_thousands(numbers: pa.Table, spelled: pa.Table, floats: list[str]) -> pa.Table:
    """The table with texts where points stand between thousands: beside 2,5 no 1.037 is 1,037."""
    for name in floats:
        column = spelled.column(name)
        if pc.all(pc.match_substring_regex(column, _POINTED_THOUSANDS)).as_py():
            position = numbers.schema.get_field_index(name)
            numbers = numbers.set_column(position, name, column)
    return numbers


def unreadable(path: Path, layout: Layout, error: Exception, shown: str) -> DataError:
    """The error of a file that Arrow cannot read, in its user's words."""
    message = str(error)
    if _RAGGED.search(message):
        row, expected, got = _ragged_row(path, layout, message)
        first = row == str(_FIRST_ROW) and int(got) > int(expected)
        return RaggedError(
            f"a row has {got} values where the header has {expected} columns",
            where=f"{shown}, row {row}" if row else shown,
            # a title, or the sep=; of a spreadsheet, is taken for the header
            mend="remove the lines above the header, if there are any; else give each column a name"
            if first
            else "put values that contain the separator in quotes, or complete the row",
        )
    if "Empty CSV" in message:
        return DataError("the file has a header but no rows", where=shown, mend="add rows of data")
    if isinstance(error, UnicodeError) or any(mark in message for mark in _BAD_TEXT):
        return encodings.wrongly_encoded(path, layout.encoding, shown)
    return DataError(
        f"the file cannot be read as CSV: {message.splitlines()[0]}",
        where=shown,
        mend="save the table as CSV (UTF-8) or as Parquet",
    )


def _ragged_row(path: Path, layout: Layout, message: str) -> tuple[str, str, str]:
    """Row number (the header is row 1), columns expected and found, as texts."""
    counted = message
    if _RAGGED.search(message)[1]:
        return _RAGGED.search(message).groups()
    try:
        # only a reader with one thread counts the rows
        csv.read_csv(path, layout.read(threads=False), layout.parse)
    except pa.ArrowInvalid as error:
        counted = str(error)
    found = _RAGGED.search(counted) or _RAGGED.search(message)
    return found[1] or "", found[2], found[3]
