"""The pipeline's own overhead on a local fleet: a run's wall time less that of its longest chain.

It makes a fleet of its own, `bench`, so that yours is left alone. As many models are trained as
slots can take at once: what waits for a slot is the fleet's size, not the pipeline's overhead.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from fleet.paths import REPOSITORY

NAME = os.environ.get("FLEET_BENCH_NAME", "bench")
#: A fleet that is up already is used, and left up.
KEEPS = "FLEET_BENCH_NAME" in os.environ
ROUNDS = 3
_MODELS = "ridge,lightgbm,mlp"
# Phases that follow one another; those of one stage run side by side.
STAGES = (
    ("data-registration",),
    ("preprocessing",),
    ("training",),
    ("training-summary",),
    ("inference-batch",),
    ("inference-summary",),
)


def run(echo: Callable[[str], None]) -> dict[str, float]:
    """Measure a few runs; the fleet is warm."""
    if not KEEPS:
        _fleet("local", "up", "--name", NAME, "--no-run")
    try:
        rounds = [_round(echo, number) for number in range(ROUNDS + 1)][1:]
    finally:
        if not KEEPS:
            _fleet("local", "down", "--name", NAME, "--keep-images")
    middle = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    return {
        "rounds": ROUNDS,
        **middle,
        "worst_overhead_s": max(one["overhead_s"] for one in rounds),
    }


def overhead(run: Mapping[str, Any], wall: float) -> dict[str, float]:
    """What a run took beside its longest chain of phases.

    Parameters
    ----------
    run : mapping
        As `fleet show --json` prints it.
    wall : float
        Seconds from before the run was asked for until it was seen to have ended.
    """
    chain = sum(_longest(run["steps"], stage) for stage in STAGES)
    controller = _longest(run["steps"], ("pipeline",))
    return {
        "wall_s": wall,
        "chain_s": chain,
        "overhead_s": wall - chain,
        "controller_s": controller,
        "controller_overhead_s": controller - chain,
    }


def _round(echo: Callable[[str], None], number: int) -> dict[str, float]:
    began = time.monotonic()
    said = _fleet("run", "pipeline", "--set", f"Training/models={_MODELS}", "--wait", "--json")
    figures = overhead(json.loads(said), time.monotonic() - began)
    echo(f"run {number}: " + ", ".join(f"{key} {value:.1f}" for key, value in figures.items()))
    return figures


def _longest(steps: Sequence[Mapping[str, Any]], phases: Sequence[str]) -> float:
    return max(
        (
            datetime.fromisoformat(step["completed"]) - datetime.fromisoformat(step["started"])
        ).total_seconds()
        for step in steps
        if step["phase"] in phases
    )


def _fleet(*arguments: str) -> str:
    kept = {key: value for key, value in os.environ.items() if key != "CLEARML_CONFIG_FILE"}
    return subprocess.run(
        [REPOSITORY / ".venv/bin/fleet", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**kept, "FLEET_LOCAL_NAME": NAME},
    ).stdout
