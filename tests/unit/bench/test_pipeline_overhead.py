"""What the benchmark of the pipeline takes for overhead."""

from __future__ import annotations

import pytest

from tests.bench.bench_pipeline import STAGES, overhead


def step(phase: str, started: float, completed: float) -> dict:
    minute = "2026-11-28T12:00:{:06.3f}+00:00"
    return {
        "phase": phase,
        "started": minute.format(started),
        "completed": minute.format(completed),
    }


def test_overhead_is_what_no_phase_of_the_longest_chain_took():
    steps = [step("pipeline", 1, 40)]
    steps += [step(stage[0], 5 * number, 5 * number + 3) for number, stage in enumerate(STAGES)]
    steps.append(step("training", 10, 17))  # slower than the other one beside it

    figures = overhead({"steps": steps}, wall=42.0)

    assert figures["chain_s"] == pytest.approx(5 * 3 + 7)
    assert figures["overhead_s"] == pytest.approx(42 - 22)
    assert figures["controller_overhead_s"] == pytest.approx(39 - 22)
