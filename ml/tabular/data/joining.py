"""Several files as one table: the same columns, and types that suit all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import pyarrow as pa

from ml.runtime.errors import DataError
from ml.runtime.source_files import SourceFile
from ml.tabular.data.arrow_types import is_number, is_text
from ml.tabular.data.encodings import UTF_8
from ml.tabular.data.reading import read_arrow
from ml.tabular.data.retyping import as_texts
from ml.tabular.naming import listed


def read_files(
    files: Sequence[SourceFile], texts: Collection[str] = (), encoding: str = UTF_8
) -> tuple[pa.Table, list[str]]:
    """Read files with the same columns, one below the other.

    Parameters
    ----------
    files : sequence of SourceFile
    texts, encoding
        As in :func:`ml.tabular.data.reading.read_arrow`.

    Returns
    -------
    table : Table
        Canonical; the columns in the order of the first file.
    notes : list of str
        Which columns differ in type from file to file, and what they became.

    Raises
    ------
    DataError
        Of a file, or when the files differ in their columns.
    """

    def read(file: SourceFile, extra: Collection[str] = ()) -> pa.Table:
        return read_arrow(file.path, {*texts, *extra}, encoding, file.shown)

    if len(files) == 1:
        return read(files[0]), []
    tables = []
    for file in files:
        table = read(file)
        if tables:
            _check_columns(files[0], tables[0], file, table)
            table = table.select(tables[0].column_names)
        tables.append(table)
    return _joined(files, tables, read)


def _check_columns(
    first: SourceFile, expected: pa.Table, file: SourceFile, table: pa.Table
) -> None:
    missing = [name for name in expected.column_names if name not in table.column_names]
    more = [name for name in table.column_names if name not in expected.column_names]
    if not missing and not more:
        return
    parts = []
    if missing:
        parts.append(f"lacks {listed(missing)}")
    if more:
        parts.append(f"has {listed(more)} in addition")
    raise DataError(
        f"the files differ in their columns: {file.shown} {' and '.join(parts)}, "
        f"compared with {first.shown}",
        where=file.shown,
        mend="give files with the same columns, or register them apart",
    )


def _joined(
    files: Sequence[SourceFile],
    tables: list[pa.Table],
    read: Callable[[SourceFile, Collection[str]], pa.Table],
) -> tuple[pa.Table, list[str]]:
    names = tables[0].column_names
    wanted = {name: _common([table[name].type for table in tables]) for name in names}
    notes = [
        f"column {name} is {_described(files, tables, name)}: taken as {_named(wanted[name])}"
        for name in names
        if len({_named(table[name].type) for table in tables} - {"empty"}) > 1
    ]
    spelled = {
        name
        for name in names
        if is_text(wanted[name]) and not all(is_text(table[name].type) for table in tables)
    }
    for position, table in enumerate(tables):
        odd = {name for name in spelled if not _is_text_or_empty(table[name].type)}
        if odd:
            # read again, so that 007 stays as it is written
            table = read(files[position], odd).select(names)
        for name in names:
            if table[name].type != wanted[name]:
                column = table[name]
                is_spelled = is_text(wanted[name]) and not pa.types.is_null(column.type)
                column = as_texts(column) if is_spelled else column
                index = table.schema.get_field_index(name)
                table = table.set_column(index, name, column.cast(wanted[name], safe=False))
        tables[position] = table
    return pa.concat_tables(tables), notes


def _common(types: list[pa.DataType]) -> pa.DataType:
    """The one type that holds the values of all."""
    known = [kind for kind in types if not pa.types.is_null(kind)]
    if not known:
        return pa.null()
    if all(kind == known[0] for kind in known):
        return known[0]
    if all(pa.types.is_integer(kind) for kind in known):
        return pa.int64()
    if all(is_number(kind) for kind in known):
        return pa.float64()
    large = any(pa.types.is_large_string(kind) for kind in known)
    return pa.large_string() if large else pa.string()


def _is_text_or_empty(kind: pa.DataType) -> bool:
    return is_text(kind) or pa.types.is_null(kind)


def _named(kind: pa.DataType) -> str:
    if pa.types.is_null(kind):
        return "empty"
    if pa.types.is_integer(kind):
        return "whole numbers"
    if is_number(kind):
        return "numbers"
    if pa.types.is_boolean(kind):
        return "true or false"
    return "dates" if pa.types.is_timestamp(kind) else "texts"


def _described(files: Sequence[SourceFile], tables: Sequence[pa.Table], name: str) -> str:
    """The first file of each type, such as ``whole numbers in a.csv, texts in b.csv``."""
    first: dict[str, str] = {}
    for file, table in zip(files, tables, strict=True):
        first.setdefault(_named(table[name].type), file.shown)
    return ", ".join(f"{kind} in {shown}" for kind, shown in first.items() if kind != "empty")
