"""What a user asks for, checked as far as it can be without a connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.errors import FleetError
from fleet.spec import Spec
from fleet.templates import phase_of_template
from ml.checks import check_file
from ml.runtime.parameters import parse

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
        No such template, a wrong field, a queue that the policy does not allow, or a file that
        cannot be used.
    """
    parameters = parse(phase_of_template(template).parameters, values)
    chosen = _choose_queue(spec, template, queue)
    if data_file:
        _check_data_file(data_file, values.get(TARGET_FIELD))
    return Request(template, dict(values), chosen, data_file, parameters)


def _choose_queue(spec: Spec, phase: str, asked: str | None) -> str:
    allowed = spec.queues_of_phase(phase)
    if asked is None or asked == allowed[0]:
        return allowed[0]
    choice = spec.policy.queue_choice
    if choice == "free" or (choice == "phase" and asked in allowed):
        return asked
    offered = allowed[:1] if choice == "fixed" else allowed
    raise FleetError(
        f"'{phase}' may not be sent to the queue '{asked}'",
        where=f"queues.yml, policy queue_choice: {choice}",
        mend=f"leave --queue out, or use: {', '.join(offered)}",
    )


def _check_data_file(file: Path, target: str | None) -> None:
    if not target:
        raise FleetError(
            "the column to predict is not named",
            where=f"--set {TARGET_FIELD}=…",
            mend=f"name a column of {file.name}",
        )
    check_file(file, target)
