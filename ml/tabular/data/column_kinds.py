"""What one column is: its kind, or why it is no feature; and its values as that kind."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from ml.runtime.errors import DataError
from ml.tabular.data import dates
from ml.tabular.data.arrow_types import is_text
from ml.tabular.data.retyping import as_kind
from ml.tabular.data.statistics import Statistics, nan_as_missing, row_of, statistics
from ml.tabular.data.stray import stray_text
from ml.tabular.schema import ColumnKind

HIGH_CARDINALITY = 1000
IGNORE = "ignore"

_ID_NAME = re.compile(
    r"(?i:(^|[_\s.:-])(id|uuid|guid|index|row ?(no|nr|number|id))$|^unnamed(: ?\d+)?$)|[a-z]I[dD]$"
)
_ID_TEXTS = {
    "UUID": r"^\{?[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\}?$",
    "hash": r"^([0-9a-fA-F]{16,}|[A-Za-z0-9+/_=-]{24,})$",
}
_NAMED_ID = "an id: named as one, and different in each row"
_SEVERAL_WORDS = r"\S\s+\S"
_MOSTLY = 0.5
# 1 January 1900 to 31 December 2100 as whole numbers
_FIRST_DAY, _LAST_DAY = 19000101, 21001231
_DAY_NUMBER = "%Y%m%d"


@dataclass(frozen=True)
class Decision:
    """What a column is.

    Parameters
    ----------
    column : ChunkedArray
        Its values as that kind.
    statistics : Statistics
        Of these values.
    kind : str or None
        None where it is no feature.
    format : str
        How its dates are written; empty as in :class:`~ml.tabular.schema.Column`.
    why : str
        Why it is no feature.
    is_number_of_rows : bool
        Whether it is left out for it may just number the rows.
    notes : tuple of str
        What is doubtful.
    """

    column: pa.ChunkedArray
    statistics: Statistics
    kind: ColumnKind | None = None
    format: str = ""
    why: str = ""
    is_number_of_rows: bool = False
    notes: tuple[str, ...] = field(default=())


def decide(name: str, column: pa.ChunkedArray, wanted: str = "", where: str = "") -> Decision:
    """What a column is, by its values and its name.

    Parameters
    ----------
    name : str
    column : ChunkedArray
        Of a canonical table, shape (rows,).
    wanted : str
        What the user says that it is: a kind, ``datetime:FORMAT``, ``ignore``; empty leaves it
        to the values.
    where : str
        The file, for messages.

    Raises
    ------
    DataError
        Dates in two formats, or values that are not of the wanted kind.
    """
    found = statistics(name, column)
    if wanted == IGNORE:
        return Decision(column, found, why="to be ignored, as asked for")
    if not found.present:
        return Decision(column, found, why="all its values are missing")
    if wanted:
        return _as_wanted(name, column, wanted, where)
    if found.distinct == 1 and not found.missing:
        return Decision(column, found, why=f"constant: always {found.examples[0]}")
    if is_text(found.type):
        return _of_texts(name, column, found, where)
    if pa.types.is_timestamp(found.type):
        return Decision(column, found, "datetime")
    if pa.types.is_integer(found.type):
        return _of_integers(name, column, found)
    if not _is_float_id(name, column):
        return Decision(column, found, "numeric")
    if found.is_unique:
        return Decision(column, found, why=_NAMED_ID)
    # as a category it would have to be read as it is spelled: 1001.0 is not 1001
    note = f'named as an id: {{"{name}": "category"}} in Data/types makes it a category'
    return Decision(column, found, "numeric", notes=(note,))


def _as_wanted(name: str, column: pa.ChunkedArray, wanted: str, where: str) -> Decision:
    kind, _, given = wanted.partition(":")
    converted, written = as_kind(column, kind, name, where, given)
    found = statistics(name, converted)
    note = f"dates written as {dates.shown(written)}" if written else f"taken as {kind}"
    return Decision(converted, found, kind, written, notes=(f"{note}, as asked for",))


def _of_integers(name: str, column: pa.ChunkedArray, found: Statistics) -> Decision:
    named = bool(_ID_NAME.search(name))
    if found.is_unique:
        sequence = found.high - found.low + 1 == found.rows
        if named:
            return Decision(column, found, why=_NAMED_ID)
        if sequence and found.low in (0, 1):
            why = "an id: whole numbers that count the rows"
            return Decision(column, found, why=why, is_number_of_rows=True)
    elif named:
        texts, _ = as_kind(column, "category", name, "")
        note = "named as an id, but its values repeat: taken as a category, not as a number"
        return Decision(texts, statistics(name, texts), "category", notes=(note,))
    notes = ()
    if found.low >= _FIRST_DAY and found.high <= _LAST_DAY and _are_days(column):
        notes = (
            f'may be dates written as whole numbers: {{"{name}": "datetime:{_DAY_NUMBER}"}} '
            "in Data/types makes it so",
        )
    return Decision(column, found, "numeric", notes=notes)


def _is_float_id(name: str, column: pa.ChunkedArray) -> bool:
    """Whether numbers are named as an id and are whole: 1001.0, as some write them."""
    if not (pa.types.is_floating(column.type) and _ID_NAME.search(name)):
        return False
    known = nan_as_missing(column)
    return bool(pc.all(pc.equal(pc.floor(known), known)).as_py())


def _are_days(column: pa.ChunkedArray) -> bool:
    head = column.slice(0, 1000).drop_null().cast(pa.string())
    parsed = pc.strptime(head, format=_DAY_NUMBER, unit="s", error_is_null=True)
    return bool(len(head)) and not parsed.null_count


def _of_texts(name: str, column: pa.ChunkedArray, found: Statistics, where: str) -> Decision:
    written = dates.find_format(found.values)
    if written:
        return _of_dates(name, column, found, written, where)
    _refuse_two_formats(name, column, found, where)
    if found.is_unique:
        for what, pattern in _ID_TEXTS.items():
            if _share(found.values, pattern) == 1:
                return Decision(column, found, why=f"an id: another {what} in each row")
        if _ID_NAME.search(name):
            return Decision(column, found, why=_NAMED_ID)
    odd = dates.stray_date(found.values)
    stray = f"{odd!r} in data row {row_of(column, odd)}, no date" if odd else ""
    stray = stray or stray_text(column, found.values)
    if stray:
        note = f"taken as a category, for it holds {stray}"
        if stray.startswith("numbers"):
            note += "; data-editing can retype it"
        return Decision(column, found, "category", notes=(note,))
    short = dates.short_format(found.values)
    if short:
        note = (
            f"may be dates with a year of two digits, {dates.shown(short)}: "
            f'{{"{name}": "datetime:{short}"}} in Data/types makes it so'
        )
        return Decision(column, found, "category", notes=(note,))
    several_words = _share(found.values, _SEVERAL_WORDS) >= _MOSTLY
    if several_words and found.distinct >= _MOSTLY * found.present:
        return Decision(column, found, "text")
    if found.is_unique:
        return Decision(column, found, why="an id: another text in each row")
    notes = ()
    if found.distinct > HIGH_CARDINALITY:
        notes = (f"{found.distinct} different values: handled as of high cardinality",)
    return Decision(column, found, "category", notes=notes)


def _of_dates(
    name: str, column: pa.ChunkedArray, found: Statistics, written: str, where: str
) -> Decision:
    parsed = dates.parse(column, written, where, name)
    notes = [] if written == dates.ISO else [f"dates written as {dates.shown(written)}"]
    other = dates.other_reading(found.values, written)
    if other:
        notes.append(
            f"they could be {dates.shown(other)} as well: "
            f'{{"{name}": "datetime:{other}"}} in Data/types makes it so'
        )
    kept = "" if written == dates.ISO else written
    return Decision(parsed, statistics(name, parsed), "datetime", kept, notes=tuple(notes))


def _refuse_two_formats(name: str, column: pa.ChunkedArray, found: Statistics, where: str) -> None:
    formats = dates.two_formats(found.values)
    if formats:
        shown = ", ".join(
            f"{dates.shown(one)} ({example!r} in data row {row_of(column, example)})"
            for one, example in formats
        )
        raise DataError(
            f"column {name!r} writes its dates in {len(formats)} formats: {shown}",
            where=where,
            mend=f'write all of them in one format, or set Data/types={{"{name}": "ignore"}}',
        )


def _share(values: pa.Array, pattern: str) -> float:
    return pc.mean(pc.match_substring_regex(values, pattern).cast(pa.int8())).as_py() or 0.0
