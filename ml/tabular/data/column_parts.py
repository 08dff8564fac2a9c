"""Parts of dates and of texts, as columns of their own."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from ml.runtime.errors import UserError
from ml.tabular.data.arrow_types import is_text

_MICROSECONDS_PER_DAY = 86_400_000_000.0

_OF_DATES = {
    "year": pc.year,
    "month": pc.month,
    "day": pc.day,
    "weekday": lambda moments: pc.day_of_week(moments, count_from_zero=False),
    "hour": pc.hour,
    "day of year": pc.day_of_year,
    "days": lambda moments: pc.divide(
        moments.cast(pa.int64()).cast(pa.float64(), safe=False), _MICROSECONDS_PER_DAY
    ),
}
_OF_TEXTS = {
    "length": lambda texts: pc.utf8_length(texts).cast(pa.int64()),
    "words": lambda texts: pc.count_substring_regex(texts, pattern=r"\S+").cast(pa.int64()),
    "lower": pc.utf8_lower,
    "upper": pc.utf8_upper,
    "trim": pc.utf8_trim_whitespace,
}


def part_of(column: pa.ChunkedArray, part: str, name: str, where: str) -> pa.ChunkedArray:
    """A part of a date or of a text.

    Parameters
    ----------
    column : ChunkedArray
        Timestamps or texts.
    part : str
        Of dates: year, month, day, weekday (Monday is 1), hour, day of year, days (since 1970).
        Of texts: length (characters), words, lower, upper, trim.
    name, where : str
        The column and the step, for messages.

    Raises
    ------
    UserError
        The column has no such part.
    """
    of_dates = part in _OF_DATES
    fits = pa.types.is_timestamp(column.type) if of_dates else is_text(column.type)
    if not fits:
        raise UserError(
            f"column {name!r} holds no {'dates' if of_dates else 'texts'}, so it has no {part!r}",
            where=where,
            mend="retype the column first, or take another part",
        )
    return (_OF_DATES if of_dates else _OF_TEXTS)[part](column)
