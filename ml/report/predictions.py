"""The sections on what a run predicted: each inference with its result, drift and failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ml.report.elements import paragraphs, plots, section, table

_NO_DRIFT = frozenset({"", "none", "not compared"})
_PROBABILITY = "probability of "

Figures = Mapping[str, Sequence[Mapping[str, Any]]]


def sections(inferences: Sequence[Mapping[str, Any]], figures: Figures) -> list[str]:
    """A table of all inferences, what to beware of, and the plots.

    Parameters
    ----------
    inferences : sequence of mapping
        As :func:`overview` takes them.
    figures : mapping
        Title → figures in plotly's JSON.
    """
    if not inferences:
        return []
    content = table(overview(inferences))
    content += paragraphs([text for one in inferences for text in _notes(one)])
    content += paragraphs([text for one in inferences for text in cautions(one)], "warn")
    found = [section("Predictions", content)]
    return [*found, *(section(title, plots(group)) for title, group in figures.items())]


def overview(inferences: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per inference step.

    Parameters
    ----------
    inferences : sequence of mapping
        ``phase``, ``task`` and what the step's artifact ``summary`` holds, or ``failure_class``
        and ``failure``.
    """
    return pd.DataFrame(
        [
            {
                "phase": one["phase"],
                "result": _result(one),
                "source": one.get("source", ""),
                "rows": _count(one.get("rows")),
                "model": one.get("model", ""),
                "task": one["task"],
            }
            for one in inferences
        ]
    )


def cautions(one: Mapping[str, Any]) -> list[str]:
    """What to know before one acts by an inference: drift, and what was unlike the training."""
    said = [str(text) for text in one.get("warnings") or ()]
    drift = one.get("drift")
    if isinstance(drift, str) and drift not in _NO_DRIFT:
        said.append(f"the rows are unlike those of the training in: {drift}")
    return [f"{_named(one)}: {text}" for text in said]


def _notes(one: Mapping[str, Any]) -> list[str]:
    return [f"{_named(one)}: {text}" for text in one.get("notes") or ()]


def _named(one: Mapping[str, Any]) -> str:
    return f"{one['phase']} of {one.get('source') or 'its input'}"


def _count(rows: object) -> str:
    return f"{rows:,}" if isinstance(rows, int) else ""


def _result(one: Mapping[str, Any]) -> str:
    if "failure" in one:
        return f"failed [{one['failure_class']}]: {one['failure']}"
    if "inputs" in one:
        given = ", ".join(f"{name} = {_shown(value)}" for name, value in one["inputs"].items())
        return f"{_with_interval(one)} at {given}"
    if "prediction" in one:
        return _with_interval(one)
    numbers = one.get("scores") or one.get("predictions") or {}
    return ", ".join(f"{name} {_shown(number)}" for name, number in numbers.items())


def _with_interval(one: Mapping[str, Any]) -> str:
    said, low, high = _shown(one["prediction"]), one.get("low"), one.get("high")
    if isinstance(low, float) and isinstance(high, float):
        return f"{said} (90 %: {_shown(low)} to {_shown(high)})"
    probability = one.get(f"{_PROBABILITY}{one['prediction']}")
    return f"{said} ({probability:.1%})" if isinstance(probability, float) else said


def _shown(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
