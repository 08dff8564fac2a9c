"""Read runs from the server: a run is the tasks that bear its tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fleet.clearml_api import Api
from fleet.errors import FleetError
from fleet.runs.model import Run, Step
from ml.catalog import PHASES
from ml.runtime import conventions

_FIELDS = [
    "id",
    "name",
    "tags",
    "type",
    "status",
    "status_message",
    "created",
    "started",
    "completed",
    "last_worker",
    "execution.queue",
    "container.image",
    "script.version_num",
    "hyperparams.properties",
]


def read_run(api: Api, run_id: str | None = None) -> Run:
    """A run by its id; without one, the newest.

    Raises
    ------
    FleetError
        There is no such run, or none at all.
    """
    if run_id is None:
        runs = list_runs(api, limit=1)
        if not runs:
            raise FleetError(
                "there is no run yet",
                where=api.url,
                mend="start one: fleet run pipeline --wait",
            )
        run_id = runs[0].run_id
    tasks = api.tasks(tags=[conventions.run_tag(run_id)], only_fields=_FIELDS, search_hidden=True)
    if not tasks:
        raise FleetError(
            f"there is no run '{run_id}'",
            where=api.url,
            mend="list them: fleet runs",
        )
    return _run(run_id, tasks, _queue_names(api))


def read_steps(api: Api, task_ids: Iterable[str]) -> list[Step]:
    """Tasks by their ids, whether they belong to a run or not; those that there are."""
    tasks = api.tasks(id=list(task_ids), only_fields=_FIELDS, search_hidden=True)
    names = _queue_names(api)
    return [_step(task, names) for task in tasks]


def list_runs(api: Api, limit: int = 20) -> list[Run]:
    """The newest runs, the newest first."""
    tasks = api.tasks(
        tags=[*(conventions.phase_tag(phase) for phase in PHASES), f"-{conventions.TEMPLATE_TAG}"],
        only_fields=_FIELDS,
        search_hidden=True,
    )
    by_run: dict[str, list[dict[str, Any]]] = {}
    for task in tasks:
        run_id = conventions.run_id_of(task.get("tags") or ())
        if run_id:
            by_run.setdefault(run_id, []).append(task)
    names = _queue_names(api)
    runs = [_run(run_id, members, names) for run_id, members in by_run.items()]
    return sorted(runs, key=lambda run: run.created, reverse=True)[:limit]


def _run(run_id: str, tasks: Iterable[dict[str, Any]], queue_names: Mapping[str, str]) -> Run:
    ordered = sorted(tasks, key=lambda task: task.get("started") or task["created"])
    steps = tuple(_step(task, queue_names) for task in ordered)
    controllers = [step for step in steps if step.phase == "pipeline"]
    leading = controllers[-1] if controllers else steps[-1]
    return Run(
        run_id=run_id,
        status=leading.status,
        created=min(task["created"] for task in ordered),
        training_summary=_last_of(steps, "training-summary"),
        inference_summary=_last_of(steps, "inference-summary"),
        steps=steps,
    )


def _step(task: Mapping[str, Any], queue_names: Mapping[str, str]) -> Step:
    section = (task.get("hyperparams") or {}).get("properties") or {}
    properties = {name: item.get("value") for name, item in section.items()}
    worker = task.get("last_worker") or None
    queue = (task.get("execution") or {}).get("queue")
    failure = properties.get(conventions.PROPERTY_FAILURE)
    if not failure and task["status"] in ("failed", "stopped"):
        failure = task.get("status_message") or None
    return Step(
        name=task["name"],
        phase=conventions.phase_of(task.get("tags") or ()),
        queue=queue_names.get(queue, queue) if queue else None,
        node=worker.split(":")[0] if worker else None,
        worker=worker,
        image=(task.get("container") or {}).get("image") or None,
        commit=(task.get("script") or {}).get("version_num") or None,
        task_id=task["id"],
        started=task.get("started"),
        completed=task.get("completed"),
        status=task["status"],
        failure=failure,
        result=None if failure else _result(properties),
    )


def _result(properties: Mapping[str, str]) -> str | None:
    """What came of a step in a few words, from the user properties that its phase sets."""
    value = properties.get
    if left_out := value(conventions.PROPERTY_LEFT_OUT):
        return f"left out: {left_out}"
    if prediction := value(conventions.PROPERTY_PREDICTION):
        return f"{value(conventions.PROPERTY_TARGET)}: {prediction}"
    if best := value(conventions.PROPERTY_BEST_MODEL):
        return f"best: {best}"
    if score := value(conventions.PROPERTY_SCORE):
        return f"{value(conventions.PROPERTY_METRIC)} {score}"
    if rows := value(conventions.PROPERTY_ROWS):
        return f"{rows} rows"
    return None


def _last_of(steps: Iterable[Step], phase: str) -> str | None:
    found = [step.task_id for step in steps if step.phase == phase]
    return found[-1] if found else None


def _queue_names(api: Api) -> dict[str, str]:
    return {queue["id"]: queue["name"] for queue in api.queues()}
