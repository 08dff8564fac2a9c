"""Dates that are written as texts: their format, and what they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from ml.runtime.errors import DataError
from ml.tabular.data.arrow_types import MOMENT

ISO = "ISO 8601"

_DAYS = (
    # the first of two that read all values is taken: the day stands first in most countries
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%Y年%m月%d日",
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
FORMATS = tuple(day + time for day in _DAYS for time in _TIMES)

_PARTS = {
    "%Y": r"\d{4}",
    "%y": r"\d{2}",
    "%m": r"\d{1,2}",
    "%d": r"(?P<day>\d{1,2})",
    "%H": r"\d{1,2}",
    "%M": r"\d{2}",
    "%S": r"\d{2}",
    "%I": r"\d{1,2}",
    "%p": r"[AaPp][Mm]",
    "%b": r"[A-Za-z]{3}",
    "%B": r"[A-Za-z]{3,9}",
}
# what a format must have, any one of each
_NEEDED = (("%Y", "%y"), ("%m", "%b", "%B"), ("%d",))
# a year of two digits may be a day as well: never taken for one unless the user says so
_SHORT = tuple(
    order.replace("/", mark) for mark in "/.-" for order in ("%d/%m/%y", "%m/%d/%y", "%y/%m/%d")
)
_ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$"
_ZONE = r"(Z|[+-]\d{2}:?\d{2})$"
# the least that any of the formats takes is 8 characters, the most 27
_SHORTEST, _LONGEST = 8, 35
_SAMPLE = 50
# so many of a column's different values are dates where the column was meant to hold dates
_MEANT = 0.9


def find_format(values: pa.Array) -> str | None:
    """How all the texts write a date.

    Parameters
    ----------
    values : Array
        The different texts of a column.

    Returns
    -------
    str or None
        :data:`ISO`, or a format as :func:`time.strptime` has it; None where no one format reads
        them all.
    """
    if not _may_be_dates(values):
        return None
    return next((name for name in _candidates(values) if not _unread(values, name)), None)


def is_format(name: str) -> bool:
    """Whether dates can be read by a format that a user gave: a day, a month, a year are in it."""
    parts = re.findall("%.?", name)
    known = all(part in _PARTS for part in parts)
    return known and all(any(part in parts for part in one) for one in _NEEDED)


def short_format(values: pa.Array) -> str:
    """The first format with a year of two digits that reads all the texts; empty if none does."""
    sample = values.slice(0, _SAMPLE)
    return next(
        (name for name in _SHORT if not (_unread(sample, name) or _unread(values, name))), ""
    )


def other_reading(values: pa.Array, name: str) -> str:
    """A second format that reads all the texts as well, to other dates; empty if there is none."""
    if name == ISO:
        return ""
    swapped = {"%d": "%m", "%m": "%d"}
    other = re.sub("%[dm]", lambda part: swapped[part[0]], name)
    if other == name or other not in FORMATS or _unread(values, other):
        return ""
    return other


def two_formats(values: pa.Array) -> list[tuple[str, str]]:
    """The formats in a column of dates that no one format reads, each with an example.

    Empty where it is no column of dates, or where one format is all there is beside texts that
    are no dates.
    """
    if not _may_be_dates(values):
        return []
    left, found = values, []
    while len(left):
        sample = left.slice(0, _SAMPLE)
        name = _best(sample)
        if len(_unread(sample, name)) == len(sample):
            break
        unread = _unread(left, name)
        example = next(value for value in left.to_pylist() if value not in unread)
        found.append((name, example))
        left = pa.array(sorted(unread), values.type)
    if len(found) < 2 or len(left) > (1 - _MEANT) * len(values):
        return []
    return found


def stray_date(values: pa.Array) -> str:
    """A text among dates that are else written alike; empty where they are no dates."""
    if not _may_be_dates(values):
        return ""
    sample = values.slice(0, _SAMPLE)
    name = _best(sample)
    # most columns that hold no dates are known by the first few values
    if len(_unread(sample, name)) > (1 - _MEANT) * len(sample):
        return ""
    unread = _unread(values, name)
    return min(unread) if len(unread) <= (1 - _MEANT) * len(values) else ""


def shown(name: str) -> str:
    """A format as people write it, such as ``DD/MM/YYYY``."""
    parts = {"%Y": "YYYY", "%m": "MM", "%d": "DD", "%H": "hh", "%M": "mm", "%S": "ss"}
    parts |= {"%b": "Jan", "%B": "January", "%y": "YY", "%I": "hh", "%p": "AM"}
    for part, text in parts.items():
        name = name.replace(part, text)
    return "YYYY-MM-DD" if name == ISO else name


def parse(column: pa.ChunkedArray, name: str, where: str, label: str) -> pa.ChunkedArray:
    """Texts as timestamps.

    Parameters
    ----------
    column : ChunkedArray
        Texts.
    name : str
        :data:`ISO` or a format.
    where, label : str
        The file or field, and the column, for messages.

    Raises
    ------
    DataError
        A text that the format does not read.
    """
    # the same days come again and again
    values = pc.unique(column)
    read = _read(pc.utf8_trim_whitespace(values), name)
    parsed = read.take(pc.index_in(column, value_set=values))
    if read.null_count > values.null_count:
        bad = pc.and_(pc.is_null(parsed), pc.is_valid(column))
        first = pc.index(bad, pa.scalar(True)).as_py()
        raise DataError(
            f"column {label!r} holds {column[first].as_py()!r} in data row {first + 1}, which is "
            f"not a date as {shown(name)}",
            where=where,
            mend="correct these values or leave the cells empty, or give the column another type",
        )
    return parsed


def _read(texts: pa.Array, name: str) -> pa.Array:
    """Timestamps; null where the format does not read the text."""
    pattern = _ISO if name == ISO else _pattern(name)
    matching = pc.match_substring_regex(texts, pattern)
    texts = pc.if_else(matching, texts, pa.scalar(None, texts.type))
    if name != ISO:
        moments = pc.strptime(texts, format=name, unit="s", error_is_null=True).cast(MOMENT)
        # 31/02 would be read as 3 March
        days = pc.struct_field(pc.extract_regex(texts, pattern), "day").cast(pa.int64())
        return pc.if_else(pc.equal(days, pc.day(moments)), moments, pa.scalar(None, MOMENT))
    zoned = pc.match_substring_regex(texts, _ZONE)
    try:
        if not pc.any(zoned).as_py():
            return texts.cast(MOMENT)
        # those without a zone are taken for UTC, as everywhere
        complete = pc.if_else(zoned, texts, pc.binary_join_element_wise(texts, "Z", ""))
        with_time = pc.replace_substring_regex(complete, r"^(.{10})(Z)$", r"\1T00:00:00\2")
        return with_time.cast(pa.timestamp("us", "UTC")).cast(MOMENT)
    except pa.ArrowInvalid:
        # a date that no calendar has, such as 2026-02-30: which one, the slow way tells
        return _one_by_one(texts)


def _one_by_one(texts: pa.Array) -> pa.Array:
    import pandas as pd

    moments = pd.to_datetime(
        pd.Series(texts.to_pylist(), dtype=object), format="ISO8601", utc=True, errors="coerce"
    )
    return pa.array(moments.dt.tz_localize(None)).cast(MOMENT, safe=False)


def _pattern(name: str) -> str:
    pattern = re.escape(name).replace(r"\ ", " ").replace(r"\%", "%")
    for part, digits in _PARTS.items():
        pattern = pattern.replace(part, digits)
    return f"^{pattern}$"


def _may_be_dates(values: pa.Array) -> bool:
    if not len(values):
        return False
    sample = values.slice(0, _SAMPLE).to_pylist()
    fitting = [text for text in sample if _SHORTEST <= len(text.strip()) <= _LONGEST]
    digits = [text for text in fitting if any(character.isdigit() for character in text)]
    return len(digits) >= _MEANT * len(sample)


def _candidates(values: pa.Array) -> Iterator[str]:
    sample = values.slice(0, _SAMPLE)
    return (name for name in (ISO, *FORMATS) if not _unread(sample, name))


def _best(sample: pa.Array) -> str:
    return min((ISO, *FORMATS), key=lambda name: len(_unread(sample, name)))


def _unread(values: pa.Array, name: str) -> set[str]:
    parsed = _read(pc.utf8_trim_whitespace(values), name)
    return set(values.filter(pc.is_null(parsed)).to_pylist())
