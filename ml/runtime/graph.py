"""A picture of a pipeline's steps that stays readable, however many there are.

Steps stand in columns, each after its parents. Of many steps of one phase beside each other, those
that failed or run are shown, and the rest in one box with its numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# boxes of one phase in a column, the one for the rest among them
MAX_BOXES = 8

_COLOURS = {
    "completed": "#2a7f62",
    "cached": "#2a7f62",
    "failed": "#b3261e",
    "aborted": "#b26a00",
    "running": "#1f6feb",
    "queued": "#4f7fc4",
    "skipped": "#6b7177",
    "pending": "#6b7177",
}
# what a person looks for comes first
_FIRST = ("failed", "aborted", "running", "queued", "pending", "skipped", "completed", "cached")
_NAMED = 40
_COLUMN, _ROW = 190, 58
_WIDTH, _HEIGHT = 150, 40
_MARGIN = 40


@dataclass(frozen=True)
class GraphStep:
    """One step as it is drawn.

    Parameters
    ----------
    name, phase : str
    detail : str
        What tells it from other steps of its phase; may be empty.
    parents : tuple of str
        Names.
    status : str
        In the words of the SDK's controller: pending, queued, running, completed, failed, …
    seconds : float or None
        How long it ran, or has run so far.
    """

    name: str
    phase: str
    detail: str
    parents: tuple[str, ...]
    status: str
    seconds: float | None = None


@dataclass(frozen=True)
class _Box:
    """One rectangle: a step, or the rest of a phase."""

    steps: tuple[GraphStep, ...]
    column: int
    row: float

    @property
    def status(self) -> str:
        return min((step.status for step in self.steps), key=_rank)

    @property
    def text(self) -> str:
        if len(self.steps) > 1:
            counts = Counter(step.status for step in self.steps)
            told = ", ".join(f"{counts[word]} {word}" for word in _FIRST if counts[word])
            return f"<b>{len(self.steps)} more</b><br>{told}"
        (step,) = self.steps
        took = "" if step.seconds is None else f" · {step.seconds:.0f} s"
        return f"<b>{step.detail or step.phase}</b><br>{step.status}{took}"

    @property
    def hover(self) -> str:
        lines = [f"{step.name}: {step.status}" for step in self.steps[:_NAMED]]
        more = len(self.steps) - _NAMED
        return "<br>".join([*lines, f"and {more} more"] if more > 0 else lines)

    @property
    def centre(self) -> tuple[float, float]:
        return self.column * _COLUMN, -self.row * _ROW


def figure(steps: Sequence[GraphStep]) -> dict[str, Any]:
    """The picture, as a Plotly figure in plain data.

    Parameters
    ----------
    steps : sequence of GraphStep
        Each after its parents.
    """
    boxes = _boxes(steps)
    of_step = {step.name: box for box in boxes for step in box.steps}
    columns = 1 + max((box.column for box in boxes), default=0)
    rows = 1 + 2 * max((abs(box.row) for box in boxes), default=0)
    return {
        "data": [_links(steps, of_step), _markers(boxes)],
        "layout": {
            "shapes": [_rectangle(box) for box in boxes],
            "annotations": [*map(_label, boxes), *_headers(boxes)],
            "xaxis": {"visible": False, "range": [-_COLUMN / 2, (columns - 0.5) * _COLUMN]},
            "yaxis": {
                "visible": False,
                "range": [-(rows + 1) * _ROW / 2, (rows + 2) * _ROW / 2],
            },
            "width": columns * _COLUMN + 2 * _MARGIN,
            "height": (rows + 1.5) * _ROW + 2 * _MARGIN,
            "margin": dict.fromkeys("lrtb", _MARGIN),
            "plot_bgcolor": "white",
            "showlegend": False,
            "hovermode": "closest",
        },
    }


def _rank(status: str) -> int:
    return _FIRST.index(status) if status in _FIRST else len(_FIRST)


def _boxes(steps: Sequence[GraphStep]) -> list[_Box]:
    column_of: dict[str, int] = {}
    columns: dict[int, dict[str, list[GraphStep]]] = {}
    for step in steps:
        column = 1 + max((column_of.get(parent, -1) for parent in step.parents), default=-1)
        column_of[step.name] = column
        columns.setdefault(column, {}).setdefault(step.phase, []).append(step)
    found = []
    for column, phases in columns.items():
        groups = [group for members in phases.values() for group in _grouped(members)]
        middle = (len(groups) - 1) / 2
        found += [_Box(group, column, row - middle) for row, group in enumerate(groups)]
    return found


def _grouped(members: Sequence[GraphStep]) -> list[tuple[GraphStep, ...]]:
    """Each step of a phase alone, as far as there is room; the rest together."""
    if len(members) <= MAX_BOXES:
        return [(step,) for step in members]
    ordered = sorted(members, key=lambda step: _rank(step.status))
    shown, rest = ordered[: MAX_BOXES - 1], ordered[MAX_BOXES - 1 :]
    return [*((step,) for step in shown), tuple(rest)]


def _links(steps: Sequence[GraphStep], of_step: Mapping[str, _Box]) -> dict[str, Any]:
    """Lines from box to box, each once."""
    pairs = {
        (of_step[parent].centre, of_step[step.name].centre): None
        for step in steps
        for parent in step.parents
        if parent in of_step
    }
    across: list[float | None] = []
    down: list[float | None] = []
    for (from_x, from_y), (to_x, to_y) in pairs:
        start, end = from_x + _WIDTH / 2, to_x - _WIDTH / 2
        middle = (start + end) / 2
        across += [start, middle, middle, end, None]
        down += [from_y, from_y, to_y, to_y, None]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": across,
        "y": down,
        "line": {"color": "#c4c7c5", "width": 1.5},
        "hoverinfo": "skip",
    }


def _markers(boxes: Sequence[_Box]) -> dict[str, Any]:
    """Nothing to see: what tells more where the pointer is."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [box.centre[0] for box in boxes],
        "y": [box.centre[1] for box in boxes],
        "marker": {"size": 30, "opacity": 0},
        "text": [box.hover for box in boxes],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _rectangle(box: _Box) -> dict[str, Any]:
    x, y = box.centre
    return {
        "type": "rect",
        "x0": x - _WIDTH / 2,
        "x1": x + _WIDTH / 2,
        "y0": y - _HEIGHT / 2,
        "y1": y + _HEIGHT / 2,
        "fillcolor": _COLOURS.get(box.status, _COLOURS["pending"]),
        "line": {"width": 0},
    }


def _label(box: _Box) -> dict[str, Any]:
    x, y = box.centre
    font = {"size": 11, "color": "white"}
    return {"x": x, "y": y, "text": box.text, "showarrow": False, "font": font}


def _headers(boxes: Sequence[_Box]) -> list[dict[str, Any]]:
    """Above a phase that has several boxes: its name, and how many steps it has."""
    found = []
    phases: dict[tuple[int, str], list[_Box]] = {}
    for box in boxes:
        phases.setdefault((box.column, box.steps[0].phase), []).append(box)
    for (_, phase), members in phases.items():
        number = sum(len(box.steps) for box in members)
        if number == 1 and not members[0].steps[0].detail:
            continue
        x, y = max((box.centre for box in members), key=lambda centre: centre[1])
        found.append(
            {
                "x": x,
                "y": y + _ROW * 0.55,
                "text": f"<b>{phase}</b>: {number}" if number > 1 else f"<b>{phase}</b>",
                "showarrow": False,
                "font": {"size": 12, "color": "#3c4043"},
            }
        )
    return found
