"""How near two runs' numbers are to be: to the last bit, but for what came of a GPU."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from fleet.runs.fingerprints import RunPrint, StepPrint
from ml.catalog import PHASES
from ml.runtime.host import CPU, GPU_TOLERANCE

# an input of one of these names holds numbers that an earlier step computed
_PASSED_ON = frozenset({"model", "predictions", "metrics", "summary"})
_PROBABILITY = "probability of "
_PREDICTED = ("prediction", "low", "high")
# what a prediction in words bears beside its value: these numbers are among the results
_BESIDE = re.compile(r" \((90 %: .+ to .+|[\d.]+%)\)$")


def tolerances(first: RunPrint, second: RunPrint) -> dict[str, float]:
    """Step → how far its numbers may be apart, as a share; others are equal to the last bit.

    These are the steps that ran on a GPU in either run, those made of what such a step made, and
    the controller, which repeats what its steps say. Where one run had a GPU and the other none,
    as far as the model declares; else within :data:`~ml.runtime.host.GPU_TOLERANCE`.
    """
    found: dict[str, float] = {}
    for run, other in ((first, second), (second, first)):
        for key, tolerance in _tolerances(run, other).items():
            found[key] = max(tolerance, found.get(key, 0.0))
    return found


def _tolerances(run: RunPrint, other: RunPrint) -> dict[str, float]:
    on_cpu = {step.key for step in other.steps if _device(step) == CPU}
    found: dict[str, float] = {}
    by_reference: dict[str, float] = {}
    for step in run.steps:
        allowed = [by_reference[one] for one in _sources(step) & by_reference.keys()]
        if _device(step) != CPU:
            declared = (step.fingerprint or {}).get("tolerance", GPU_TOLERANCE)
            allowed.append(declared if step.key in on_cpu else GPU_TOLERANCE)
        if step.key in PHASES and PHASES[step.key].is_controller:
            allowed += found.values()
        if allowed:
            found[step.key] = by_reference[last(step.reference)] = max(allowed)
    return found


def _sources(step: StepPrint) -> set[str]:
    inputs = (step.fingerprint or {}).get("inputs", ())
    return {last(one["of"]) for one in inputs if one["name"] in _PASSED_ON}


def _device(step: StepPrint) -> str:
    return (step.fingerprint or {}).get("device", CPU)


def last(reference: str) -> str:
    """A task's id; of a path the name alone, which is the same wherever it is looked at from."""
    return PurePosixPath(reference).name


def value_alone(predicted: Any) -> Any:
    """A prediction in words without its interval or probability."""
    return _BESIDE.sub("", predicted) if isinstance(predicted, str) else predicted


def least(name: str, results: Mapping[str, float]) -> float:
    """What the tolerance of a number is a share of, where the number itself is smaller.

    Of a probability that is 1; of an end of an interval, which may be near 0, the largest of both
    ends and the prediction.
    """
    if name.startswith(_PROBABILITY):
        return 1.0
    if name not in _PREDICTED:
        return 0.0
    found = (abs(results.get(one, 0.0)) for one in _PREDICTED)
    return max((one for one in found if math.isfinite(one)), default=0.0)


def is_near(one: float, other: float, tolerance: float, least: float = 0.0) -> bool:
    """Whether two numbers are no farther apart than this share of the larger one."""
    return abs(other - one) <= tolerance * max(abs(one), abs(other), least)
