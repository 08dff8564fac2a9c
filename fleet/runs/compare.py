"""What differs between two runs: what they were made of, and what came of them.

Which artifacts count, and how near is equal, says :mod:`ml.runtime.fingerprint`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fleet.runs.fingerprints import RunPrint, StepPrint
from fleet.runs.tolerance import is_near, last, least, tolerances, value_alone
from ml.runtime import conventions
from ml.runtime.fingerprint import COMPARED

# what a step was made of: each may be why results differ, none is a difference of results
CAUSES = (
    "data_hash",
    "commit",
    "image",
    "lock",
    "environment",
    "python",
    "device",
    "driver",
    "cpu",
)
# of parameters, those that name tasks and data sets of the run itself
_REFERENCES = ("_id", "_task")
_TASK_ID = re.compile(r"\b[0-9a-f]{32}\b")
_PREDICTIONS = "predictions"
_NEAR = "within tolerance"
_FAILED = "failed alike"
_UNKNOWN = "without a fingerprint"


@dataclass(frozen=True)
class Difference:
    """One thing that a step has otherwise in the second run.

    Attributes
    ----------
    step : str
        The step's key.
    part : str
        Such as ``commit``, ``parameter Split/seed``, ``result test rmse``, ``predictions``.
    first, second : str
        As they are shown; empty where there is none.
    size : float or None
        Of a number: second less first, by the larger of both.
    of_results : bool
        Whether the results are not the same by it.
    """

    step: str
    part: str
    first: str
    second: str
    size: float | None = None
    of_results: bool = False


@dataclass(frozen=True)
class StepComparison:
    """One step of both runs.

    Attributes
    ----------
    step : str
    results : str
        ``equal``, ``within tolerance``, ``differ``, ``failed alike`` (for the same reason),
        ``only in the first``,
        ``only in the second`` or ``without a fingerprint``.
    predictions : bool or None
        Whether they are equal to the last bit; None where there are none in both.
    first_place, second_place : str
        The nodes.
    """

    step: str
    results: str
    predictions: bool | None
    first_place: str
    second_place: str


@dataclass(frozen=True)
class Comparison:
    """Two runs beside each other."""

    first: str
    second: str
    steps: tuple[StepComparison, ...]
    differences: tuple[Difference, ...]
    verdict: str

    @property
    def equal(self) -> bool:
        """Whether the results are the same, whatever they were made of."""
        return not any(item.of_results for item in self.differences)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {"equal": self.equal, **asdict(self)}


def compare(first: RunPrint, second: RunPrint) -> Comparison:
    """Compare two runs, step by step."""
    others = {step.key: step for step in second.steps}
    mine = {step.key: step for step in first.steps}
    allowed = tolerances(first, second)
    steps, differences = [], []
    for key in [*mine, *(key for key in others if key not in mine)]:
        one, other = mine.get(key), others.get(key)
        found = list(_step_differences(key, one, other, allowed.get(key)))
        differences += found
        steps.append(
            StepComparison(
                step=key,
                results=_word(one, other, found, key in allowed),
                predictions=_predictions(one, other),
                first_place=one.node if one else "",
                second_place=other.node if other else "",
            )
        )
    verdict = _verdict(steps, differences, allowed)
    return Comparison(first.name, second.name, tuple(steps), tuple(differences), verdict)


def _failure(step: StepPrint) -> str:
    """Why it failed, without what names the run and its tasks: that is another in each run."""
    run_id = (step.fingerprint or {}).get("run_id")
    said = step.failure.replace(run_id, "RUN") if run_id else step.failure
    return _TASK_ID.sub("TASK", said)


def _step_differences(
    key: str, one: StepPrint | None, other: StepPrint | None, tolerance: float | None
) -> Iterator[Difference]:
    if one is None or other is None:
        there = ("the step ran", "") if one else ("", "the step ran")
        yield Difference(key, "step", *there, of_results=True)
        return
    first, second = (f"{step.status} {_failure(step)}".strip() for step in (one, other))
    if first != second:
        yield Difference(key, "status", first, second, of_results=True)
    if one.fingerprint is None or other.fingerprint is None:
        if one.fingerprint is not other.fingerprint:
            there = ("there", "") if one.fingerprint else ("", "there")
            yield Difference(key, "fingerprint", *there, of_results=True)
        return
    yield from _causes(key, one.fingerprint, other.fingerprint)
    yield from _results(key, one.fingerprint, other.fingerprint, tolerance)


def _causes(key: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Difference]:
    for part in CAUSES:
        if one.get(part, "") != other.get(part, ""):
            yield Difference(key, part.replace("_", " "), one.get(part, ""), other.get(part, ""))
    first, second = _files(one), _files(other)
    for name in sorted(first.keys() & second.keys()):
        if first[name] != second[name]:
            yield Difference(key, f"file {name}", first[name][:12], second[name][:12])
    first, second = _parameters(one), _parameters(other)
    for path in sorted(first.keys() | second.keys()):
        if first.get(path) != second.get(path):
            part = f"parameter {path}"
            yield Difference(key, part, first.get(path, "(none)"), second.get(path, "(none)"))


def _files(made: Mapping[str, Any]) -> dict[str, str]:
    """Field → hash; where a field names several files, field and file."""
    files = [one for one in made.get("inputs", ()) if one["kind"] == "file"]
    fields = Counter(one["name"] for one in files)
    found: dict[str, str] = {}
    for one in files:
        field = one["name"]
        name = f"{field} {last(one['of'])}" if fields[field] > 1 else field
        # files of one name lie in several folders
        found[name] = found.get(name, "") + one["sha256"]
    return found


def _parameters(made: Mapping[str, Any]) -> dict[str, str]:
    """Without what names the run and its tasks: that is another in each run."""
    run_id = made.get("run_id") or "\0"
    return {
        path: str(text).replace(run_id, "RUN")
        for path, text in made.get("parameters", {}).items()
        if not path.endswith(_REFERENCES)
    }


def _results(
    key: str, one: Mapping[str, Any], other: Mapping[str, Any], tolerance: float | None
) -> Iterator[Difference]:
    for section, word in (("results", "result"), ("stated", "property")):
        first, second = one.get(section, {}), other.get(section, {})
        for name in sorted(first.keys() | second.keys()):
            mine, its = first.get(name), second.get(name)
            if tolerance and name == conventions.PROPERTY_PREDICTION:
                mine, its = value_alone(mine), value_alone(its)
            if not _same(mine, its):
                size = _relative(mine, its)
                near = False
                if tolerance and size is not None:
                    small = max(least(name, made.get("results", {})) for made in (one, other))
                    near = is_near(float(mine), float(its), tolerance, small)
                yield Difference(key, f"{word} {name}", _text(mine), _text(its), size, not near)
    if tolerance:
        return
    first, second = one.get("outputs", {}), other.get("outputs", {})
    for name in sorted(COMPARED & (first.keys() | second.keys())):
        mine, its = _content(first.get(name)), _content(second.get(name))
        if mine != its:
            yield Difference(key, f"artifact {name}", mine[:12], its[:12], of_results=True)


def _content(output: Mapping[str, str] | None) -> str:
    """The hash that counts; empty where there is no such artifact."""
    return (output or {}).get("content") or (output or {}).get("sha256") or ""


def _same(one: Any, other: Any) -> bool:
    are_numbers = isinstance(one, float) and isinstance(other, float)
    return one == other or (are_numbers and math.isnan(one) and math.isnan(other))


def _relative(one: Any, other: Any) -> float | None:
    try:
        first, second = float(one), float(other)
    except (TypeError, ValueError):
        return None
    if not (math.isfinite(first) and math.isfinite(second)):
        return None
    # 0 and -0 are not apart
    return (second - first) / max(abs(first), abs(second)) if first != second else 0.0


def _text(value: Any) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value)


def _predictions(one: StepPrint | None, other: StepPrint | None) -> bool | None:
    found = [
        _content(((step.fingerprint if step else None) or {}).get("outputs", {}).get(_PREDICTIONS))
        for step in (one, other)
    ]
    return found[0] == found[1] if all(found) else None


def _word(
    one: StepPrint | None, other: StepPrint | None, found: list[Difference], loose: bool
) -> str:
    if one is None or other is None:
        return "only in the second" if one is None else "only in the first"
    if any(item.of_results for item in found):
        return "differ"
    if one.fingerprint is None:
        return _UNKNOWN
    if one.status == "failed":
        return _FAILED
    return _NEAR if loose and any(item.size for item in found) else "equal"


def _verdict(
    steps: list[StepComparison], differences: list[Difference], allowed: Mapping[str, float]
) -> str:
    wrong = [item for item in differences if item.of_results]
    if not wrong:
        number = f"{len(steps)} steps" if len(steps) > 1 else "the one step"
        told = [f"equal results in {number}, to the last bit"]
        near = [step.step for step in steps if step.results == _NEAR]
        if near:
            most = max(allowed[key] for key in near)
            told.append(f"within {most:g} where a GPU computed: {', '.join(near)}")
        for word in (_FAILED, _UNKNOWN):
            number = sum(step.results == word for step in steps)
            if number:
                told.append(f"{number} {word}")
        return "; ".join(told)
    first = wrong[0].step
    causes = dict.fromkeys(
        item.part for item in differences if item.step == first and not item.of_results
    )
    why = f", which differs in {', '.join(causes)}" if causes else ""
    return f"different results from {first} on{why}"
