"""Reading a user's CSV or Parquet file, and saying what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd
import pyarrow as pa

from ml.runtime import memory
from ml.runtime.errors import DataError
from ml.tabular.data import encodings, reading_csv, reading_parquet
from ml.tabular.data.arrow_types import canonical

_HEAD_BYTES = 65536
_PARQUET = b"PAR1"
_OTHER_FORMATS = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"(\xb5/\xfd": "a zstd archive",
    b"ARROW1": "an Arrow or Feather file",
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
}
# the bytes of ASCII letters in them are zero but for one
_WITH_ZEROS = (["utf-16"], ["utf-16-le"], ["utf-16-be"], ["utf-32"])
# what is held at most while a file is read and looked at, as a multiple of its values' bytes
_CSV_FACTOR = 3.0
_PARQUET_FACTOR = 1.5


def read_table(
    path: Path, texts: Collection[str] = (), encoding: str = encodings.UTF_8, shown: str = ""
) -> pd.DataFrame:
    """Read a CSV or Parquet file into a frame with named columns.

    Parameters and errors are those of :func:`read_arrow`; texts are held as Arrow holds them, not
    as Python objects.
    """
    table = read_arrow(path, texts, encoding, shown)
    return table.to_pandas(split_blocks=True, self_destruct=True)


def read_arrow(
    path: Path, texts: Collection[str] = (), encoding: str = encodings.UTF_8, shown: str = ""
) -> pa.Table:
    """Read a CSV or Parquet file into a table of few types (:mod:`ml.tabular.data.arrow_types`).

    Parameters
    ----------
    path : Path
        A file; what it holds decides the format, not its name.
    texts : collection of str
        Columns of a CSV that are texts, though the values in this file look like numbers.
    encoding : str
        Of a CSV; Parquet has but one.
    shown : str
        The file as the user named it, for messages; the path by default.

    Raises
    ------
    DataError
        When the file is missing, empty, of another format or encoding, ragged, or has columns
        without a name, with the same name, or of nested or binary values.
    UserError
        Of class ``resource`` when the file is larger than the memory can hold; of an encoding
        that there is not.
    """
    shown = shown or str(path)
    head = checked_head(path, encoding, shown)
    if is_parquet(head):
        memory.require(_PARQUET_FACTOR * reading_parquet.size(path, shown), *_reading(shown))
        table = reading_parquet.read(path, shown)
    else:
        memory.require(_CSV_FACTOR * path.stat().st_size, *_reading(shown))
        table = reading_csv.read(path, head, texts, encoding, shown)
    names = [str(name).strip() for name in table.column_names]
    reading_csv.check_names(names, shown)
    table = canonical(table.rename_columns(names))
    if not table.num_rows:
        raise DataError("the file has a header but no rows", where=shown, mend="add rows of data")
    return table


def checked_head(path: Path, encoding: str, shown: str) -> bytes:
    """The first 64 KiB of a file that begins like a CSV or a Parquet file.

    Raises
    ------
    DataError
        When the file is missing, empty, or of another format or encoding.
    UserError
        Of an encoding that there is not.
    """
    encodings.check_name(encoding)
    head = _head(path, shown)
    if not is_parquet(head):
        _refuse_other_formats(path, head, encoding, shown)
    return head


def is_parquet(head: bytes) -> bool:
    """Whether a file that begins so is a Parquet file."""
    return head.startswith(_PARQUET)


def _reading(shown: str) -> tuple[str, str]:
    """What is to be done and where, as :func:`ml.runtime.memory.require` takes them."""
    return f"reading {shown}", shown


def _head(path: Path, shown: str) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise DataError(
            f"the file cannot be read: {error.strerror}",
            where=shown,
            mend="give the path of a CSV or Parquet file that you may read",
        ) from None
    if not head.strip():
        raise DataError(
            "the file is empty",
            where=shown,
            mend="give a CSV or Parquet file with a header and rows",
        )
    return head


def _refuse_other_formats(path: Path, head: bytes, encoding: str, shown: str) -> None:
    found = next((name for mark, name in _OTHER_FORMATS.items() if head.startswith(mark)), None)
    start = head.lstrip()[:15].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        found = "a web page or XML"
    elif start.startswith((b"{", b"[{", b"[\n")):
        found = "JSON"
    elif not found and b"\0" in head and encodings.is_utf8(encoding):
        if encodings.likely_encodings(head)[:1] in _WITH_ZEROS:
            raise encodings.wrongly_encoded(path, encoding, shown)
        found = "binary"
    if found:
        raise DataError(
            f"the file is {found}, neither CSV nor Parquet",
            where=shown,
            mend="save the table as CSV (UTF-8) or as Parquet",
        )
