"""Running one phase as a step: check its parameters, keep its configuration, name its failure."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ml.runtime import conventions as names
from ml.runtime import environment, fingerprint
from ml.runtime.failures import Failure, describe
from ml.runtime.host import CPU
from ml.runtime.memory_watch import MemoryWatch
from ml.runtime.parameters import flatten, parse
from ml.runtime.phase import Phase
from ml.runtime.step import Step


def execute(step: Step, phase: Phase, values: Mapping[str, str]) -> Failure | None:
    """Run a phase; what goes wrong is logged, and returned in place of being raised.

    Parameters
    ----------
    step : Step
        The task or folder that the phase runs as.
    phase : Phase
    values : mapping
        The flat parameters, as given; absent ones keep their default.
    """
    made = _Making(parameters=dict(values))
    failure = None
    try:
        step.properties(**_identity(step, values))
        parameters = parse(phase.parameters, values)
        made.parameters, made.accelerator = flatten(parameters), phase.accelerator(parameters)
        added = step.guard(phase, parameters)
        made.packages = _prepare_environment(step, added)
        complete = {"phase": phase.name, "run_id": step.run_id, "parameters": made.parameters}
        step.configuration(names.CONFIGURATION_OBJECT, complete)
        step.artifact_json(names.ARTIFACT_CONFIGURATION, complete)
        # one that is about to be ended for want of memory says so itself
        with contextlib.nullcontext() if phase.is_controller else MemoryWatch(step.give_up):
            phase.load()(step, parameters)
    except Exception as error:
        failure = describe(error)
        step.log(failure.detail)
    _leave_fingerprint(step, phase, made)
    return failure


@dataclass
class _Making:
    """What a fingerprint tells of how a step was made, as far as the step came."""

    parameters: dict[str, str]
    accelerator: str = CPU
    packages: dict[str, Any] = field(default_factory=dict)


def _leave_fingerprint(step: Step, phase: Phase, made: _Making) -> None:
    """Keep what the step was made of; that this failed is no failure of the step."""
    try:
        step.fingerprint(
            fingerprint.describe(
                phase.name,
                step.run_id,
                made.parameters,
                made.accelerator,
                step.code,
                made.packages,
                step.stated,
                step.trace,
            )
        )
    except Exception as error:
        step.log(f"warning: the step has no fingerprint: {error}")


def _prepare_environment(step: Step, added: Sequence[str]) -> dict[str, Any]:
    """Add what the phase declares, and record what the step computes with."""
    before = environment.installed()
    if added:
        # few steps add packages
        from ml.runtime.installing import install

        install(added, step.work / "packages", step.log)
    found = environment.describe(before, environment.installed())
    step.configuration(names.ENVIRONMENT_OBJECT, found)
    step.properties(**{names.PROPERTY_ENVIRONMENT: found["hash"]})
    return found


def _identity(step: Step, values: Mapping[str, str]) -> dict[str, str]:
    """What a table of failed steps needs, even of a step whose parameters are wrong."""
    identity = {names.PROPERTY_RUN_ID: step.run_id}
    if values.get("Model/name"):
        identity[names.PROPERTY_MODEL] = values["Model/name"]
    return identity
