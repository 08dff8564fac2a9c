"""The sections on where each step ran, of what, and how to run it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from ml.report.elements import code, details, facts, paragraphs, section, table
from ml.tabular.summary.comparison import duration, node

if TYPE_CHECKING:
    from ml.runtime.step import Outcome

_SHORT = 10
# of all steps alike as a rule: then told once
_SHARED = ("commit", "image", "environment", "data", "python")


@dataclass(frozen=True)
class Ran:
    """One step that ran.

    Parameters
    ----------
    outcome : Outcome
    fingerprint : mapping
        Its artifact ``fingerprint``; empty where it has none.
    parameters : mapping
        ``Section/field`` → text.
    changed : mapping
        Those that are not the phase's defaults.
    """

    outcome: Outcome
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    changed: Mapping[str, str] = field(default_factory=dict)


def sections(steps: Sequence[Ran], run_id: str) -> list[str]:
    """Where and of what each step ran, and how to run it again."""
    told, rows = shared(steps_table(steps, run_id))
    content = facts(told) + table(rows)
    return [section("Steps", content), section("Run it again", _reproduce(steps, run_id))]


def steps_table(steps: Sequence[Ran], run_id: str) -> pd.DataFrame:
    """One row per step: what came of it, where it ran, and what it was made of."""
    return pd.DataFrame([_row(one, run_id) for one in steps])


def shared(frame: pd.DataFrame) -> tuple[dict[str, str], pd.DataFrame]:
    """What all steps have in common, and the table without it."""
    told = {}
    for name in _SHARED:
        values = {value for value in frame[name] if value} if name in frame else set()
        if len(values) == 1:
            told[name] = values.pop()
            frame = frame.drop(columns=name)
    return told, frame


def _row(one: Ran, run_id: str) -> dict[str, str]:
    outcome, made = one.outcome, one.fingerprint
    seeds = sorted({str(seed) for seed in (made.get("seeds") or {}).values()})
    return {
        "step": outcome.name.replace(run_id, "").strip(),
        "status": outcome.status,
        "time": duration(outcome.seconds),
        "queue": outcome.queue,
        "node": node(outcome.worker),
        "device": str(made.get("device") or ""),
        "seed": ", ".join(seeds),
        "commit": (outcome.commit or str(made.get("commit") or ""))[:_SHORT],
        "image": short_image(outcome.image or str(made.get("image") or "")),
        "environment": str(made.get("environment") or "")[:_SHORT],
        "data": str(made.get("data_hash") or "")[:_SHORT],
        "python": str(made.get("python") or ""),
        "task": outcome.reference,
    }


def short_image(image: str) -> str:
    """``cpu@1f2e3d4c5b`` of an image by digest, the name alone of another."""
    name, _, digest = image.rpartition("/")[2].partition("@")
    return f"{name}@{digest.partition(':')[2][:_SHORT]}" if digest else name


def _reproduce(steps: Sequence[Ran], run_id: str) -> str:
    content = ""
    controllers = [one for one in steps if one.outcome.phase == "pipeline"]
    if controllers:
        content += paragraphs(["The same run again, from the templates of the same commit:"])
        content += code(command(controllers[-1].changed))
    else:
        content += paragraphs(
            ["Run each step again by its phase and these parameters, at the same commit:"]
        )
    for one in steps:
        if one.parameters:
            rows = pd.DataFrame(
                [{"field": path, "value": value} for path, value in one.parameters.items()]
            )
            name = one.outcome.name.replace(run_id, "").strip()
            content += details(f"Parameters of {name}", table(rows))
    return content


def command(changed: Mapping[str, str]) -> str:
    """The command that starts a pipeline with these parameters."""
    settings = [f"--set {shlex.quote(f'{path}={value}')}" for path, value in changed.items()]
    return " \\\n  ".join(["fleet run pipeline", *settings])
