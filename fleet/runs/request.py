"""What a user asks for, checked as far as it can be without a connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from fleet.errors import FleetError
from fleet.plan import policy, routing
from fleet.runs.offer import offered
from fleet.spec import Spec
from fleet.templates import phase_of_template
from ml.catalog import PHASES, Phase
from ml.checks import check_file
from ml.runtime.parameters import json_object, parse
from ml.runtime.policy import check_entry

TARGET_FIELD = "Data/target"


@dataclass(frozen=True)
class Request:
    """Work that may be started.

    Attributes
    ----------
    template : str
        Name of a phase, or `pipeline`.
    values : mapping of str to str
        `Section/field` → text, as the user typed it.
    queue : str
        Where it will be sent.
    data_file : path or None
        What to upload first.
    parameters : object
        The fields as the phase will see them.
    """

    template: str
    values: Mapping[str, str]
    queue: str
    data_file: Path | None = None
    parameters: Any = field(default=None, compare=False, repr=False)


def prepare(
    spec: Spec,
    template: str,
    values: Mapping[str, str],
    *,
    queue: str | None = None,
    data_file: Path | None = None,
) -> Request:
    """Check what a user asks for.

    Parameters
    ----------
    spec : Spec
        The contract.
    template : str
        Name of a phase, or `pipeline`.
    values : mapping of str to str
        `Section/field` → text.
    queue : str, optional
        Another queue than the phase's first, as far as the policy allows.
    data_file : path, optional
        A CSV or Parquet file to upload.

    Raises
    ------
    FleetError, UserError
        No such template, one that people do not start, a wrong field, a queue that the policy
        does not allow, or a file that cannot be used.
    """
    phase = phase_of_template(template, [one.name for one in offered(spec)])
    check_entry(policy(spec), phase, PHASES.values())
    parameters = parse(phase.parameters, values)
    chosen = _choose_queue(spec, phase, parameters, queue)
    if data_file:
        _check_data_file(data_file, getattr(parameters, "Data", None))
    return Request(template, dict(values), chosen, data_file, parameters)


def _choose_queue(spec: Spec, phase: Phase, parameters: BaseModel, asked: str | None) -> str:
    route = routing(spec)
    accelerator = phase.accelerator(parameters)
    if asked is None:
        return route.queue_for(phase.name, accelerator)
    allowed = route.allowed_queues(phase.name, accelerator)
    if asked in allowed:
        return asked
    raise FleetError(
        f"'{phase.name}' may not be sent to the queue '{asked}'",
        where=f"queues.yml, policy queue_choice: {spec.policy.queue_choice}",
        mend=f"leave --queue out, or use: {', '.join(allowed)}",
    )


def _check_data_file(file: Path, data: Any) -> None:
    """Look at a file as the registration will; `data` are the fields that it gets."""
    if not data or not data.target:
        raise FleetError(
            "the column to predict is not named",
            where=f"--set {TARGET_FIELD}=…",
            mend=f"name a column of {file.name}",
        )
    check_file(file, data.target, data.kind, data.encoding, json_object(data.types))
