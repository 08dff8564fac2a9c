"""The report of a run: one HTML page that holds all it shows and can be mailed."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from plotly import offline

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ml.runtime.step import Outcome
    from ml.tabular.comparison import Failed

_STYLE = """
:root { --ink: #0f172a; --soft: #475569; --line: #e2e8f0; --accent: #2563eb; --bad: #b91c1c; }
* { box-sizing: border-box; }
body { margin: 0; background: #f8fafc; color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", "Noto Sans", "Noto Sans CJK JP", sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 32px 20px 64px; }
h1 { font-size: 26px; margin: 0 0 4px; }
h2 { font-size: 18px; margin: 0 0 12px; }
p.sub { margin: 0 0 24px; color: var(--soft); }
section { background: #fff; border: 1px solid var(--line); border-radius: 10px;
  padding: 20px; margin: 0 0 20px; overflow-x: auto; }
dl.facts { display: flex; flex-wrap: wrap; gap: 12px 36px; margin: 0; }
dl.facts dt { color: var(--soft); font-size: 12px; text-transform: uppercase;
  letter-spacing: .04em; }
dl.facts dd { margin: 0; font-size: 18px; font-weight: 600; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--soft); font-weight: 600; font-size: 13px; }
th, td { padding: 7px 12px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; }
tr.best td { font-weight: 600; color: var(--accent); }
section.bad { border-left: 4px solid var(--bad); }
section.bad h2 { color: var(--bad); }
section.bad td.text { white-space: normal; }
td.text { white-space: nowrap; }
td.id { font-family: ui-monospace, monospace; font-size: 11px; white-space: nowrap; }
"""

# no button sends data to a service
_PLOT_CONFIG = {"displaylogo": False, "plotlyServerURL": "", "responsive": True}
_ID_COLUMNS = frozenset({"task", "task id", "image", "commit"})
_SHORT = 10


def training_page(record: Mapping[str, Any], comparison: go.Figure, quality: go.Figure) -> str:
    """The page of a training-summary.

    Parameters
    ----------
    record : mapping
        The training-summary's artifact ``summary``.
    comparison, quality : Figure
        The models' scores; the best model on the test part.
    """
    return _page(_title(record), _subtitle(record), _training(record, comparison, quality))


def run_page(
    record: Mapping[str, Any],
    comparison: go.Figure,
    quality: go.Figure,
    inferences: pd.DataFrame,
    batches: Iterable[tuple[str, go.Figure]],
    steps: Sequence[Outcome],
) -> str:
    """The page of a whole run: training, predictions, and where each step ran.

    Parameters
    ----------
    record, comparison, quality
        As for :func:`training_page`.
    inferences : DataFrame
        One row per inference step.
    batches : iterable of (name, Figure)
        A plot per batch inference.
    steps : sequence of Outcome
        All steps of the run.
    """
    sections = _training(record, comparison, quality)
    sections.append(_section("Predictions", _table(inferences)))
    sections += [_section(f"Predictions: {name}", _plot(figure)) for name, figure in batches]
    sections.append(_section("Steps", _table(_provenance(steps, record["run_id"]))))
    return _page(_title(record), _subtitle(record), sections)


def failure_page(run_id: str, failed: Sequence[Failed]) -> str:
    """The page of a run in which no model was trained."""
    table = pd.DataFrame(
        [
            {"model": one.model, "class": one.failure_class, "why": one.failure, "task": one.task}
            for one in failed
        ]
    )
    section = _section("No model was trained", _table(table), bad=True)
    return _page(f"Run {run_id}", "no model was trained", [section])


def _training(record: Mapping[str, Any], comparison: go.Figure, quality: go.Figure) -> list[str]:
    best, metric = record["best"], record["metric"]
    facts = {
        "best model": best["model"],
        f"validation {metric}": _number(best["validation"]),
        f"test {metric}": _number(best["test"]),
        "data set": record["dataset"],
        "rows": f"{record['rows']:,}",
        "target": record["target"],
        "problem": record["kind"],
    }
    sections = [
        _section("Result", _facts(facts)),
        _section(
            f"Leaderboard, by validation {metric}",
            _table(pd.DataFrame(record["leaderboard"]), first_is_best=True),
        ),
    ]
    if record["failed"]:
        sections.append(
            _section("Models that failed", _table(pd.DataFrame(record["failed"])), bad=True)
        )
    sections.append(_section("Comparison", _plot(comparison)))
    sections.append(_section(f"{best['model']} on the test part", _plot(quality)))
    return sections


def _provenance(steps: Sequence[Outcome], run_id: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "step": one.name.replace(run_id, "").strip(),
                "status": one.status,
                "seconds": "" if one.seconds is None else f"{one.seconds:.1f}",
                "queue": one.queue,
                # a services agent's worker goes on with the task's id, which has its own column
                "worker": ":".join(one.worker.split(":")[:2]),
                "image": _short_digest(one.image),
                "commit": one.commit[:_SHORT],
                "task": one.reference,
            }
            for one in steps
        ]
    )


def _short_digest(image: str) -> str:
    """``cpu@1f2e3d4c5b`` of an image by digest, the name alone of another."""
    name, _, digest = image.rpartition("/")[2].partition("@")
    return f"{name}@{digest.partition(':')[2][:_SHORT]}" if digest else name


def _title(record: Mapping[str, Any]) -> str:
    return f"{record['dataset']}: predicting {record['target']}"


def _subtitle(record: Mapping[str, Any]) -> str:
    return f"run {record['run_id']}"


def _page(title: str, subtitle: str, sections: Sequence[str]) -> str:
    # plotly's own code stands in the page once, so that it opens without a network
    body = "\n".join(sections)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>"
        f"<script>{offline.get_plotlyjs()}</script></head>\n<body><main>"
        f'<h1>{html.escape(title)}</h1><p class="sub">{html.escape(subtitle)}</p>\n'
        f"{body}\n</main></body></html>\n"
    )


def _section(title: str, content: str, bad: bool = False) -> str:
    kind = ' class="bad"' if bad else ""
    return f"<section{kind}><h2>{html.escape(title)}</h2>{content}</section>"


def _facts(facts: Mapping[str, str]) -> str:
    cells = "".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(str(value))}</dd></div>"
        for name, value in facts.items()
    )
    return f'<dl class="facts">{cells}</dl>'


def _table(frame: pd.DataFrame, first_is_best: bool = False) -> str:
    shown = frame.loc[:, [bool((frame[name].astype(str) != "").any()) for name in frame.columns]]
    kinds = {name: _cell_kind(shown, name) for name in shown.columns}
    head = "".join(
        f'<th class="{kinds[name]}">{html.escape(str(name))}</th>' for name in shown.columns
    )
    rows = []
    for position, (_, row) in enumerate(shown.iterrows()):
        best = ' class="best"' if first_is_best and position == 0 else ""
        cells = "".join(
            f'<td class="{kinds[name]}">{html.escape(_number(row[name]))}</td>'
            for name in shown.columns
        )
        rows.append(f"<tr{best}>{cells}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _cell_kind(frame: pd.DataFrame, name: str) -> str:
    if name in _ID_COLUMNS:
        return "id"
    return "number" if pd.api.types.is_numeric_dtype(frame[name]) else "text"


def _number(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _plot(figure: go.Figure) -> str:
    return figure.to_html(full_html=False, include_plotlyjs=False, config=_PLOT_CONFIG)
