"""What a step was made of and what came of it: enough to tell why two runs are not the same.

Two runs have equal results where, step by step, the reported numbers, the properties that hold
results (:data:`STATED`) and the artifacts in :data:`COMPARED` are equal: of a Parquet file the
bytes, of JSON what it says without times, places and ids. Not compared are the artifacts whose
bytes differ between equal runs: pickles (`model`, `preprocessor`), pages with ids and plots
(`report`), tables with times (`leaderboard_csv`, `trials`), the `configuration`, which names the
run, and `predictions_csv`, which says what `predictions` says.

On a CPU equal means to the last bit. What ran on a GPU, or was made of what did, is compared by
its numbers alone, within :data:`ml.runtime.host.GPU_TOLERANCE`; between a GPU and a CPU, within
what the model declares.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ml.runtime import conventions as names
from ml.runtime import environment, host
from ml.runtime.tracing import Trace, file_hash

VERSION = 1

COMPARED = frozenset(
    {
        "schema",
        "profile",
        "train",
        "validation",
        "test",
        "split",
        "leakage",
        "reference",
        "metrics",
        "importance",
        "drift",
        "explanation",
        "optimum",
        names.ARTIFACT_LEADERBOARD,
        names.ARTIFACT_PREDICTIONS,
        names.ARTIFACT_SUMMARY,
        "dataset/data.parquet",
        "dataset/schema.json",
    }
)
STATED = (
    names.PROPERTY_ROWS,
    names.PROPERTY_TARGET,
    names.PROPERTY_KIND,
    names.PROPERTY_METRIC,
    names.PROPERTY_SCORE,
    names.PROPERTY_BEST_MODEL,
    names.PROPERTY_PREDICTION,
)

_REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Code:
    """What a step runs: a commit, and the image by digest; empty where it is not known."""

    commit: str = ""
    image: str = ""


def describe(
    phase: str,
    run_id: str,
    parameters: Mapping[str, str],
    accelerator: str,
    code: Code,
    packages: Mapping[str, Any],
    stated: Mapping[str, str],
    trace: Trace,
) -> dict[str, Any]:
    """The fingerprint of a step.

    Parameters
    ----------
    phase, run_id : str
    parameters : mapping
        All, as flat texts.
    accelerator : str
        What the step asks for: ``cpu`` or ``gpu``.
    code : Code
    packages : mapping
        As :func:`ml.runtime.environment.describe` gives it; empty where the step did not come so
        far.
    stated : mapping
        The step's user properties; those of :data:`STATED` are kept.
    trace : Trace

    Returns
    -------
    dict
        Plain data, for JSON.
    """
    gpus = host.gpus()
    lock = environment.LOCK
    return {
        "version": VERSION,
        "phase": phase,
        "run_id": run_id,
        "commit": code.commit,
        "image": code.image,
        "lock": file_hash(lock) if lock.is_file() else "",
        "environment": packages.get("hash", ""),
        "python": packages.get("python", ""),
        "cpu": host.cpu_model(),
        "device": _device(trace.device, accelerator, gpus),
        "tolerance": trace.tolerance,
        "gpus": [asdict(gpu) for gpu in gpus],
        "driver": gpus[0].driver if gpus else "",
        "threads": _named(parameters, "threads"),
        "seeds": _named(parameters, "seed"),
        "parameters": dict(parameters),
        "data_hash": trace.data_hash,
        "inputs": trace.inputs,
        "outputs": trace.outputs,
        "results": trace.results,
        "stated": {name: stated[name] for name in STATED if name in stated},
    }


def _device(said: str, accelerator: str, gpus: Sequence[host.Gpu]) -> str:
    """What the numbers come from: as the step says, or what it asks for where that is there."""
    if (said or accelerator) == host.CPU:
        return host.CPU
    return gpus[0].name if gpus else said or host.CPU


def checked_out() -> str:
    """The commit of the code that runs, ``+changes`` where it was edited; empty without git."""
    commit = _git("rev-parse", "HEAD")
    changed = commit and _git("status", "--porcelain", "--untracked-files=no", "--", "ml")
    return f"{commit}+changes" if changed else commit


def _git(*arguments: str) -> str:
    try:
        told = subprocess.run(
            ["git", "-C", str(_REPOSITORY), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip()


def _named(parameters: Mapping[str, str], field: str) -> dict[str, str]:
    return {path: text for path, text in parameters.items() if path.split("/")[-1] == field}
