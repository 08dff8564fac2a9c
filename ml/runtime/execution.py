"""Running one phase as a step: check its parameters, keep its configuration, name its failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ml.runtime import conventions as names
from ml.runtime import environment
from ml.runtime.failures import Failure, describe
from ml.runtime.installing import install
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
    try:
        step.properties(**_identity(step, values))
        parameters = parse(phase.parameters, values)
        added = step.guard(phase, parameters)
        _prepare_environment(step, added)
        complete = {"phase": phase.name, "run_id": step.run_id, "parameters": flatten(parameters)}
        step.configuration(names.CONFIGURATION_OBJECT, complete)
        step.artifact_json(names.ARTIFACT_CONFIGURATION, complete)
        phase.load()(step, parameters)
    except Exception as error:
        failure = describe(error)
        step.log(failure.detail)
        return failure
    return None


def _prepare_environment(step: Step, added: Sequence[str]) -> None:
    """Add what the phase declares, and record what the step computes with."""
    before = environment.installed()
    if added:
        install(added, step.work / "packages", step.log)
    found = environment.describe(before, environment.installed())
    step.configuration(names.ENVIRONMENT_OBJECT, found)
    step.properties(**{names.PROPERTY_ENVIRONMENT: found["hash"]})


def _identity(step: Step, values: Mapping[str, str]) -> dict[str, str]:
    """What a table of failed steps needs, even of a step whose parameters are wrong."""
    identity = {names.PROPERTY_RUN_ID: step.run_id}
    if values.get("Model/name"):
        identity[names.PROPERTY_MODEL] = values["Model/name"]
    return identity
