"""The profile of a data set: what each column holds, at a glance."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from ml.tabular.data.statistics import Statistics

_MAX_TEXT = 40


def profile_row(found: Statistics, kind: str, note: str = "") -> dict[str, Any]:
    """One column of the profile.

    Parameters
    ----------
    found : Statistics
    kind : str
        The column's kind; ``target``, or ``left out``.
    note : str
        Why it is left out, or what is doubtful.

    Returns
    -------
    dict
        column, kind, missing (rows), missing share (0 to 1), distinct, min, mean, max, most
        frequent, examples, note.
    """
    return {
        "column": found.name,
        "kind": kind,
        "missing": found.missing,
        "missing share": round(found.missing / found.rows, 6) if found.rows else 0.0,
        "distinct": found.distinct,
        "min": shown(found.low),
        "mean": shown(found.mean),
        "max": shown(found.high),
        "most frequent": shown(found.most_frequent),
        "examples": ", ".join(shown(value) for value in found.examples),
        "note": note,
    }


def as_table(profile: list[dict[str, Any]]) -> pd.DataFrame:
    """The profile as people look at it: without columns that say nothing here."""
    table = pd.DataFrame(profile)
    empty = [name for name in ("mean", "most frequent", "note") if not table[name].any()]
    return table.drop(columns=["missing share", *empty])


def shown(value: object) -> str:
    """A value in a cell: numbers in six digits, midnight as a day, long texts cut."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}" if value.time().isoformat() == "00:00:00" else f"{value:%F %T}"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = " ".join(str(value).split())
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
