"""What a section of the report is made of. Every text is escaped here, and nowhere else."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

_UNDRAWN = (
    "This plot is drawn by JavaScript, in a browser of 2023 or later. The tables hold the numbers."
)
# texts that are long and have no blanks are cut anywhere
_ID_COLUMNS = frozenset({"task", "image", "commit", "environment", "data"})
_LONG_IDS = frozenset({"task"})
# of a column with no longer text no line is broken
_SHORT = 28
_WIDE_COLUMNS = frozenset({"why", "what to do", "result", "value"})


def section(title: str, content: str, kind: str = "") -> str:
    """A titled part of the page; `kind` is a class of the style sheet."""
    classes = f' class="{kind}"' if kind else ""
    return f"<section{classes}><h2>{html.escape(title)}</h2>{content}</section>"


def paragraphs(texts: Sequence[str], kind: str = "") -> str:
    """Sentences, each a paragraph."""
    classes = f' class="{kind}"' if kind else ""
    return "".join(f"<p{classes}>{html.escape(text)}</p>" for text in texts if text)


def heading(text: str) -> str:
    """A title within a section."""
    return f"<h3>{html.escape(text)}</h3>"


def facts(values: Mapping[str, object]) -> str:
    """Names and values, as many beside each other as there is room for; empty ones are left out."""
    cells = "".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(cell(value))}</dd></div>"
        for name, value in values.items()
        if cell(value) != ""
    )
    return f'<dl class="facts">{cells}</dl>' if cells else ""


def table(frame: pd.DataFrame, first_is_best: bool = False) -> str:
    """A table without the columns that are empty; numbers stand to the right."""
    shown = frame.loc[:, [any(cell(value) != "" for value in frame[name]) for name in frame]]
    kinds = {name: _cell_kind(shown, name) for name in shown.columns}
    head = "".join(
        f'<th class="{kinds[name]}">{html.escape(str(name))}</th>' for name in shown.columns
    )
    rows = []
    for position, row in enumerate(shown.to_dict(orient="records")):
        best = ' class="best"' if first_is_best and position == 0 else ""
        cells = "".join(
            f'<td class="{kinds[name]}">{html.escape(cell(row[name]))}</td>'
            for name in shown.columns
        )
        rows.append(f"<tr{best}>{cells}</tr>")
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def details(title: str, content: str) -> str:
    """What opens when it is asked for; it is printed in any case."""
    return f"<details><summary>{html.escape(title)}</summary>{content}</details>"


def code(text: str) -> str:
    """A command, to be copied."""
    return f"<pre>{html.escape(text)}</pre>"


def plots(figures: Sequence[Mapping[str, Any]]) -> str:
    """Figures in plotly's JSON, beside each other where there is room."""
    boxes = []
    for figure in figures:
        # no text in it may end the element that holds it
        data = json.dumps(figure, separators=(",", ":")).replace("<", "\\u003c")
        height = int(figure.get("layout", {}).get("height") or 360)
        boxes.append(
            f'<div class="plot" style="min-height:{height}px"><p class="undrawn">{_UNDRAWN}</p>'
            f'<script type="application/json">{data}</script></div>'
        )
    return f'<div class="plots">{"".join(boxes)}</div>'


def cell(value: object) -> str:
    """A value as a table shows it: numbers in five digits, nothing for what is not known."""
    if value is None or (isinstance(value, float) and pd.isna(value)):
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _cell_kind(frame: pd.DataFrame, name: str) -> str:
    if name in _ID_COLUMNS:
        return "id long" if name in _LONG_IDS else "id"
    if name in _WIDE_COLUMNS:
        return "wide"
    if pd.api.types.is_numeric_dtype(frame[name]):
        return "number"
    longest = max((len(cell(value)) for value in frame[name]), default=0)
    return "short" if longest <= _SHORT else "text"
