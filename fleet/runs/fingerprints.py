"""The fingerprints of a run's steps: from the server, or from the folder of a run on a laptop."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fleet.clearml_api import Api
from fleet.errors import FleetError
from fleet.runs.artifacts import read_json
from fleet.runs.model import FINAL
from fleet.runs.read import read_run
from ml.catalog import PHASES
from ml.runtime import conventions

# a step's own record in a folder (`ml.runtime.folder_step`)
_RECORD = "step.json"
_MODEL_FIELD = "Model/name"


@dataclass(frozen=True)
class StepPrint:
    """One step of a run, as far as two runs are compared by it.

    Attributes
    ----------
    key : str
        The phase and, of training, the model; a second one of these has a number.
    reference : str
        Task id, or folder: what the inputs of later steps say that they are of.
    status : str
        As in ClearML.
    node, worker : str
        Where it ran; empty on a laptop.
    failure : str
        One line: why it failed.
    fingerprint : dict or None
        As :func:`ml.runtime.fingerprint.describe` gives it.
    """

    key: str
    reference: str
    status: str
    node: str = ""
    worker: str = ""
    failure: str = ""
    fingerprint: dict[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class RunPrint:
    """A run: its id, or the folder of one, and its steps in the order of the workflow."""

    name: str
    steps: tuple[StepPrint, ...]


def read_fingerprints(api: Api, run_id: str) -> RunPrint:
    """A run's fingerprints from the server.

    Raises
    ------
    FleetError
        There is no such run, it is not over, or none of its steps has a fingerprint.
    """
    run = read_run(api, run_id)
    if not run.finished:
        raise FleetError(
            f"the run {run_id} is not over: it is {run.status}",
            where=api.url,
            mend=f"wait for it: fleet show {run_id}",
        )
    tasks = api.tasks(
        id=[step.task_id for step in run.steps],
        only_fields=["id", "execution.artifacts"],
        search_hidden=True,
    )
    places = {task["id"]: _fingerprint_of(task) for task in tasks}
    names = _Names()
    steps = []
    for step in run.steps:
        if step.status not in FINAL:  # a draft, or a clone that is still to run
            continue
        found = places.get(step.task_id)
        read = read_json(found) if found else None
        model = _model(read) or step.short_name(run_id).removeprefix(step.phase).strip()
        steps.append(
            StepPrint(
                key=names.next(step.phase, model),
                reference=step.task_id,
                status=step.status,
                node=step.node or "",
                worker=step.worker or "",
                failure=step.failure or "",
                fingerprint=read,
            )
        )
    return _checked(RunPrint(run_id, tuple(steps)), api.url)


def read_folder(folder: Path) -> RunPrint:
    """The fingerprints of a run that was made in a folder.

    Raises
    ------
    FleetError
        It is no such folder, a file of it cannot be read, or none of its steps has a fingerprint.
    """
    records = sorted(folder.glob(f"**/{_RECORD}"))
    names = _Names()
    steps = []
    for path in records:
        record = _read(path)
        properties = record["properties"]
        # one that a killed step left out is that of an earlier run in the same folder
        kept = record["artifacts"].get(conventions.ARTIFACT_FINGERPRINT)
        read = _read(path.parent / kept) if kept else None
        model = _model(read) or properties.get(conventions.PROPERTY_MODEL, "")
        steps.append(
            StepPrint(
                key=names.next(record["phase"], model),
                reference=str(path.parent),
                status=record["status"],
                failure=properties.get(conventions.PROPERTY_FAILURE, ""),
                fingerprint=read,
            )
        )
    return _checked(RunPrint(str(folder), tuple(steps)), str(folder))


def _read(path: Path) -> dict[str, Any]:
    """A file of a step's folder."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise FleetError(
            f"it cannot be read: {error}", where=str(path), mend="run the step again"
        ) from None


class _Names:
    """Keys of steps, each once."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def next(self, phase: str, model: str) -> str:
        key = f"{phase} {model}" if phase == "training" and model else phase
        self._seen[key] += 1
        return key if self._seen[key] == 1 else f"{key} #{self._seen[key]}"


def _place(step: StepPrint) -> int:
    """Its place in the workflow; the controller, which repeats its steps' results, is last."""
    phase = PHASES.get(step.key.split(" ")[0])
    return phase.order if phase and not phase.is_controller else sys.maxsize


def _model(fingerprint: dict[str, Any] | None) -> str:
    return str((fingerprint or {}).get("parameters", {}).get(_MODEL_FIELD, ""))


def _fingerprint_of(task: dict[str, Any]) -> str | None:
    artifacts = (task.get("execution") or {}).get("artifacts") or ()
    name = conventions.ARTIFACT_FINGERPRINT
    return next((item.get("uri") for item in artifacts if item["key"] == name), None)


def _checked(run: RunPrint, where: str) -> RunPrint:
    if any(step.fingerprint for step in run.steps):
        return RunPrint(run.name, tuple(sorted(run.steps, key=_place)))
    raise FleetError(
        f"no step of the run {run.name} has a fingerprint",
        where=where,
        mend="compare runs whose steps were made by this version of the step code",
    )
