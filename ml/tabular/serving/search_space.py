"""Where a search for inputs may look: ranges and choices by column, within what training saw."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ml.runtime.errors import DataError, UserError
from ml.tabular.conforming import days_of
from ml.tabular.schema import Column, Schema
from ml.tabular.serving.drift import shown

RANGES, FIXED = "Search/ranges", "Search/fixed"


@dataclass(frozen=True)
class Interval:
    """Numbers, or days since 1970, from `low` to `high`, both included; whole ones alone or all."""

    low: float
    high: float
    whole: bool = False


@dataclass(frozen=True)
class Space:
    """What each column may be.

    Parameters
    ----------
    schema : Schema
    free : dict
        Column → interval, or its choices as a list of texts.
    fixed : dict
        Column → its one conforming value; a missing one is NaN, or None of a text.
    cautions : list of str
        Where it goes beyond what training saw.
    """

    schema: Schema
    free: dict[str, Interval | list[str]]
    fixed: dict[str, Any]
    cautions: list[str] = field(default_factory=list)

    def frame(self, points: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
        """Conforming features of points that give each free column a value."""
        columns = {}
        for column in self.schema.columns:
            values = [{**self.fixed, **point}[column.name] for point in points]
            if column.kind in ("numeric", "datetime"):
                columns[column.name] = np.array(values, dtype=np.float64)
            else:
                # the same categories in each batch, so that batches can be put together
                place = self.free.get(column.name) or [self.fixed[column.name]]
                kept = [value for value in place if value is not None]
                columns[column.name] = pd.Categorical(values, categories=pd.Index(kept, dtype=str))
        return pd.DataFrame(columns)

    def inside(self, features: pd.DataFrame) -> list[dict[str, Any]]:
        """Points as near to rows of features as the space lets them be."""
        points = []
        for _, row in features.iterrows():
            point = {name: _nearest(row[name], place) for name, place in self.free.items()}
            points.append(point)
        return points

    def described(self) -> dict[str, Any]:
        """Column → what it may be, as a person writes it."""
        kinds = {column.name: column.kind for column in self.schema.columns}
        told: dict[str, Any] = {}
        for name, place in self.free.items():
            is_interval = isinstance(place, Interval)
            told[name] = (
                [shown(place.low, kinds[name]), shown(place.high, kinds[name])]
                if is_interval
                else place
            )
        for name, value in self.fixed.items():
            told[name] = as_written(value, kinds[name])
        return told


def space(
    schema: Schema,
    known: Mapping[str, Mapping[str, Any]],
    ranges: Mapping[str, Any],
    fixed: Mapping[str, Any],
    usual: Mapping[str, str | None],
) -> Space:
    """The space that ranges and fixed values leave of what training saw.

    Parameters
    ----------
    schema : Schema
    known : mapping
        Column → spread, as :func:`~ml.tabular.serving.drift.spread` gives it. What is not named
        keeps within
        the middle 98 % of the numbers and the values that were seen.
    ranges : mapping
        Column → ``[low, high]`` or the texts to choose from.
    fixed : mapping
        Column → value.
    usual : mapping
        Column of kind text → the text that it keeps where none is fixed.

    Raises
    ------
    UserError
        A column that there is not, or a range that holds nothing: empty, reversed, of another
        type, of values that training never saw.
    """
    for where, given in ((RANGES, ranges), (FIXED, fixed)):
        for name in given:
            _check_name(name, schema, where)
    both = sorted(set(ranges) & set(fixed))
    if both:
        raise _refused(f"{both[0]} has a range and is fixed, too", RANGES, "give it one of both")
    cautions: list[str] = []
    free: dict[str, Interval | list[str]] = {}
    held: dict[str, Any] = {}
    for column in schema.columns:
        name, spread = column.name, known[column.name]
        if name in fixed:
            held[name] = _fixed(column, fixed[name], spread, cautions)
        elif column.kind == "text":
            if name in ranges:
                free[name] = _choices(column, ranges[name], None)
            else:
                held[name] = usual.get(name)
        elif column.kind == "category":
            seen = spread["seen"]
            free[name] = _choices(column, ranges[name], spread) if name in ranges else seen
        else:
            free[name] = _interval(column, ranges.get(name), spread, cautions)
    for name, place in list(free.items()):
        value = _only(place)
        if value is not None:
            held[name] = value
            del free[name]
        elif isinstance(place, list) and not place:
            held[name] = None
            del free[name]
    if not free:
        raise _refused("every column is fixed, so there is nothing to search", FIXED, "free one")
    return Space(schema, free, held, cautions)


def as_written(value: Any, kind: str) -> Any:
    """A conforming value for people and JSON: dates as dates, whole numbers as such."""
    if value is None or pd.isna(value):
        return None
    if kind == "datetime":
        return shown(float(value), kind)
    if kind == "numeric":
        return int(value) if float(value).is_integer() else float(value)
    return str(value)


def _check_name(name: str, schema: Schema, where: str) -> None:
    if name in schema.features:
        return
    if name == schema.target:
        raise _refused(f"{name} is the target, no input", where, "set Goal for the target")
    close = difflib.get_close_matches(name.lower(), [one.lower() for one in schema.features], n=1)
    match = next((one for one in schema.features if close and one.lower() == close[0]), "")
    hint = f"did you mean {match!r}?" if match else f"there are {', '.join(schema.features)}"
    raise _refused(f"there is no column {name!r}; {hint}", where, "name a column of the data")


def _fixed(column: Column, value: Any, spread: Mapping[str, Any], cautions: list[str]) -> Any:
    if isinstance(value, list | dict):
        raise _refused(
            f"{column.name} is fixed to {json.dumps(value)}, which is no single value",
            FIXED,
            "give one value, or move the column to Search/ranges",
        )
    if column.kind in ("numeric", "datetime"):
        number = float("nan") if value is None else _number(column, value, FIXED)
        if spread["low"] is not None and not spread["low"] <= number <= spread["high"]:
            cautions.append(_beyond(column, number, number, spread))
        return number
    if value is None:
        return None
    if column.kind == "category":
        return _choices(column, [value], spread, FIXED)[0]
    return str(value)


def _choices(
    column: Column, given: Any, spread: Mapping[str, Any] | None, where: str = RANGES
) -> list[str]:
    if not isinstance(given, list):
        raise _refused(
            f"the range of {column.name} is {json.dumps(given)}, no list of values",
            where,
            f'write the values to choose from, such as {{"{column.name}": ["a", "b"]}}',
        )
    texts = list(dict.fromkeys(_text(value) for value in given))
    if not texts:
        raise _refused(
            f"the range of {column.name} is empty", where, "give values, or leave it out"
        )
    if spread is None or not spread["complete"]:
        return texts
    for text in texts:
        if text not in spread["seen"]:
            close = difflib.get_close_matches(text, spread["seen"], n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise _refused(
                f"{column.name} was never {text!r} in training, so the model knows nothing of "
                f"it{hint}",
                where,
                f"choose among {', '.join(spread['seen'][:10])}",
            )
    return texts


def _interval(
    column: Column, given: Any, spread: Mapping[str, Any], cautions: list[str]
) -> Interval:
    name, whole = column.name, spread["whole"] and column.kind == "numeric"
    if given is None:
        if not spread["quantiles"]:
            return Interval(float("nan"), float("nan"))
        low, _, high = spread["quantiles"]
        return Interval(np.ceil(low), np.floor(high), True) if whole else Interval(low, high)
    if not isinstance(given, list) or len(given) != 2:
        raise _refused(
            f"the range of {name} is {json.dumps(given)}, not two ends",
            RANGES,
            f'write the least and the largest value, such as {{"{name}": [20, 80]}}',
        )
    low, high = (_number(column, end, RANGES) for end in given)
    if low > high:
        raise _refused(
            f"the range of {name} is reversed: {json.dumps(given)}",
            RANGES,
            "write the lower end first",
        )
    if spread["low"] is not None and not (spread["low"] <= low and high <= spread["high"]):
        cautions.append(_beyond(column, low, high, spread))
    if not whole:
        return Interval(low, high)
    if np.ceil(low) > np.floor(high):
        raise _refused(
            f"there is no whole number from {given[0]} to {given[1]}, and {name} holds whole ones",
            RANGES,
            "widen the range",
        )
    return Interval(float(np.ceil(low)), float(np.floor(high)), True)


def _number(column: Column, value: Any, where: str) -> float:
    if column.kind == "datetime":
        try:
            return float(days_of(pd.Series([value], name=column.name), where, column.format)[0])
        except DataError:
            raise _not_one(column, value, "a date such as 2026-11-23", where) from None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise _not_one(column, value, "a number", where) from None
    if not np.isfinite(number):
        raise _not_one(column, value, "a finite number", where)
    return number


def _not_one(column: Column, value: Any, expected: str, where: str) -> UserError:
    return _refused(f"{column.name} cannot be {value!r}, which is not {expected}", where, "mend it")


def _beyond(column: Column, low: float, high: float, spread: Mapping[str, Any]) -> str:
    asked, seen = (
        " to ".join(dict.fromkeys(shown(number, column.kind) for number in pair))
        for pair in ((low, high), (spread["low"], spread["high"]))
    )
    return f"{column.name} may be {asked}, which goes beyond {seen} in training"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _only(place: Interval | list[str]) -> Any:
    if isinstance(place, list):
        return place[0] if len(place) == 1 else None
    return place.low if not place.low < place.high else None


def _nearest(value: Any, place: Interval | list[str]) -> Any:
    if isinstance(place, list):
        return str(value) if str(value) in place else place[0]
    if pd.isna(value):
        value = (place.low + place.high) / 2
    clipped = min(max(float(value), place.low), place.high)
    return float(round(clipped)) if place.whole else clipped


def _refused(what: str, where: str, mend: str) -> UserError:
    return UserError(what, where=where, mend=mend)
