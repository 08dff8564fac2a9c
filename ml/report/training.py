"""The sections on the training: result, leaderboard, what failed, what matters, the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ml.report.elements import details, facts, heading, paragraphs, plots, section, table
from ml.tabular.summary import comparison, wording

# per class of a failure: what a person does about it
ADVICE = {
    "queue": "start the agents of its queue, or train it on another",
    "dependency": "use an image that has the package that the message names",
    "data-access": "check that the file or the address is there and may be read",
    "permission": "give the agents the right that the message names",
    "resource": "give its queue more memory or disk, or take a smaller model or fewer rows",
    "timeout": "allow more time, or take a smaller model or fewer rows",
    "override": "correct the field that the message names, and start it again",
    "code": "show the message and the task's log to who keeps the step code",
    "infrastructure": "start it again; where it fails again, ask who keeps the agents",
}
_MAX_MISSING = 10
_METHODS = {
    "tree": "exactly, from the model's trees",
    "linear": "exactly, from the model's coefficients",
    "sampling": "by sampling: columns were replaced at random by those of training rows",
}

Figures = Mapping[str, Sequence[Mapping[str, Any]]]


def sections(record: Mapping[str, Any], figures: Figures) -> list[str]:
    """All sections on the training."""
    return [*result(record, figures), *background(record)]


def result(record: Mapping[str, Any], figures: Figures) -> list[str]:
    """What one decides by.

    Parameters
    ----------
    record : mapping
        The training-summary's artifact ``summary``; an older one has fewer keys.
    figures : mapping
        Title → figures in plotly's JSON.
    """
    found = [_headline(record), _leaderboard(record, figures)]
    if record["failed"]:
        found.append(_failed(record["failed"]))
    best = record["best"]["model"]
    found += [
        section(_quality_title(title, best), plots(group))
        for title, group in figures.items()
        if title not in {"scores", "importance"}
    ]
    if record.get("explanation") or "importance" in figures:
        found.append(_explanation(record, figures))
    return found


def background(record: Mapping[str, Any]) -> list[str]:
    """What the models learned from."""
    data = record.get("data")
    return [_data(record, data)] if data else []


def chosen_by(record: Mapping[str, Any]) -> str:
    """What the best model was chosen by; an older summary does not say it."""
    return record.get("chosen_by") or wording.chosen_by(0)


def _headline(record: Mapping[str, Any]) -> str:
    best, metric = record["best"], record["metric"]
    said = list(record.get("headline") or ())
    content = paragraphs(said[:1], "lead") + paragraphs(said[1:])
    content += facts(
        {
            "best model": best["model"],
            f"validation {metric}": best["validation"],
            f"test {metric}": best["test"],
            "data set": record["dataset"],
            "rows": f"{record['rows']:,}",
            "problem": record["kind"],
        }
    )
    tied = (record.get("as_good") or {}).get("said") or ""
    content += paragraphs([tied], "warn")
    content += paragraphs(_leakage(record), "warn")
    content += paragraphs([f"Warning: {text}" for text in record.get("warnings") or ()], "warn")
    return section("Result", content)


def _leaderboard(record: Mapping[str, Any], figures: Figures) -> str:
    metric = record["metric"]
    shown = comparison.shown(pd.DataFrame(record["leaderboard"]), metric)
    content = paragraphs([f"{metric}: {wording.MEANINGS.get(metric, metric)}."], "note")
    content += table(shown, first_is_best=True)
    content += plots(figures.get("scores", ()))
    if any(row.get("validation low") is not None for row in record["leaderboard"]):
        told = (
            "In brackets, and as bars, the 95 % interval of a score: the fewer rows, the wider. "
            "Models whose intervals overlap can hardly be told apart by the rows of that part."
        )
        content += paragraphs([told], "note")
    told = [f"Left out: {why}." for why in (record.get("left_out") or {}).values()]
    content += paragraphs(told, "note")
    return section(f"Leaderboard, by {metric} of {chosen_by(record)}", content)


def _failed(failed: Sequence[Mapping[str, Any]]) -> str:
    rows = pd.DataFrame(failed)
    rows.insert(3, "what to do", [ADVICE.get(one, "") for one in rows["class"]])
    return section("Models that failed", table(rows), "bad")


def _quality_title(title: str, best: str) -> str:
    first = title[0].upper() + title[1:]
    named = first if best in title else f"{first}, the best models"
    return f"{named}, on the test part"


def _explanation(record: Mapping[str, Any], figures: Figures) -> str:
    found = record.get("explanation") or {}
    content = paragraphs(found.get("said") or ())
    content += plots(figures.get("importance", ()))
    if found:
        told = (
            f"Of {found['rows']} test rows, {_METHODS[found['method']]}: how much each column "
            f"adds to or takes from the {found['output']} (SHAP), averaged without the sign. It "
            f"tells what the model uses, not what causes {record['target']}."
        )
        content += paragraphs([told], "note")
    return section(f"What {record['best']['model']} predicts by", content)


def _data(record: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    kinds = data.get("columns") or {}
    split = data.get("split") or {}
    content = facts(
        {
            "data set": record["dataset"],
            "rows": f"{record['rows']:,}",
            **{f"{part} rows": f"{n:,}" for part, n in (data.get("rows per part") or {}).items()},
            "columns used": sum(kinds.values()),
            "of kind": ", ".join(f"{count} {kind}" for kind, count in kinds.items()),
            "split": _split(split),
            "seed of the split": split.get("seed"),
            "hash of the values": str(data.get("hash") or "")[:16],
        }
    )
    content += paragraphs(_leakage(record), "warn")
    missing = sorted((data.get("missing") or {}).items(), key=lambda pair: (-pair[1], pair[0]))
    if missing:
        rows = pd.DataFrame(
            [{"column": name, "missing": f"{share:.1%}"} for name, share in missing[:_MAX_MISSING]]
        )
        content += heading("Missing values of the training part, the most first")
        content += table(rows)
    left_out = pd.DataFrame(data.get("left out") or ())
    if len(left_out):
        content += heading("Columns left out")
        content += table(left_out.rename(columns={"name": "column"}))
    if record.get("baseline", {}).get("test"):
        content += details(
            f"What {record['baseline']['predicts']} scores on the test part",
            facts(record["baseline"]["test"]),
        )
    return section("Data", content)


def _split(split: Mapping[str, Any]) -> str:
    strategy, column = split.get("strategy"), split.get("column")
    return f"{strategy} by {column}" if strategy and column else str(strategy or "")


def _leakage(record: Mapping[str, Any]) -> list[str]:
    """What the preparation found that makes scores too good to be true, as sentences."""
    leakage = (record.get("data") or {}).get("leakage") or {}
    said = [
        f"{one['column']} gives {record['target']} away: {one['why']}. If it is not known before "
        f"{record['target']} is, leave it out and train again."
        for one in leakage.get("suspicious") or ()
    ]
    found = leakage.get("duplicates") or {}
    counts = {part: found.get(part) or 0 for part in ("validation", "test")}
    if any(counts.values()):
        rows = " and ".join(
            f"{count:,} {part} {'row' if count == 1 else 'rows'}"
            for part, count in counts.items()
            if count
        )
        have = "has" if sum(counts.values()) == 1 else "have"
        treated = (
            "dropped" if found.get("treated") == "drop" else "the scores may be too good to be true"
        )
        said.append(f"{rows} {have} the same features as a row of another part: {treated}.")
    return said
