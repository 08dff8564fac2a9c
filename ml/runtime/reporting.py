"""The rules for what is shown of a step, in one place.

Plots are for deciding: a phase has few, and a parent never repeats its children's.
"""

from __future__ import annotations

from collections.abc import Mapping

MAX_PLOTS = 4
MAX_PROPERTY_LENGTH = 500


class PlotBudget:
    """Counts the plots and tables of one step.

    Parameters
    ----------
    phase : str
        Named in the error.
    limit : int
        How many the step may show.
    """

    def __init__(self, phase: str, limit: int = MAX_PLOTS) -> None:
        self._phase = phase
        self._limit = limit
        self._titles: list[str] = []

    def take(self, title: str) -> None:
        """Count one more; a programming error if it is one too many, or there already."""
        if title in self._titles:
            raise ValueError(f"phase {self._phase} shows the plot {title!r} twice")
        if len(self._titles) >= self._limit:
            raise ValueError(
                f"phase {self._phase} shows more than {self._limit} plots: "
                f"{', '.join([*self._titles, title])}"
            )
        self._titles.append(title)


def property_texts(values: Mapping[str, object]) -> dict[str, str]:
    """User properties as texts fit for a table's cell: one line, numbers in six digits."""
    return {name: _cell(value) for name, value in values.items()}


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = " ".join(str(value).split())
    if len(text) <= MAX_PROPERTY_LENGTH:
        return text
    return text[: MAX_PROPERTY_LENGTH - 1] + "…"
