"""`fleet explain task`: where a task is, by which rule, and what it waits for."""

from __future__ import annotations

from fleet.clearml_api import Api
from fleet.errors import FleetError
from fleet.explain.answer import Answer, Table
from fleet.explain.waiting import read_backlog
from fleet.explain.work import QUEUED, Work, explain_steps, read_step
from fleet.runs import list_runs
from fleet.spec import Spec
from fleet.spec.wording import hint

_RUNS = 200


def explain_task(api: Api, spec: Spec, task_id: str) -> Answer:
    """Explain a task.

    Raises
    ------
    FleetError
        There is no such task.
    """
    step = read_step(api, task_id)
    if step is None:
        raise _unknown(api, task_id)
    (work,) = explain_steps(api, spec, [step], read_backlog(api))
    sentences = [_state(work), *work.waits]
    if work.differences:
        sentences.append(f"It differs from its template: {work.differences}.")
    sentences += changed_in_words(work)
    return Answer(f"task {task_id}", tuple(sentences), (_table(work),), work.facts())


def changed_in_words(work: Work) -> list[str]:
    """What queues.yml says otherwise today, and what to do about it."""
    if not work.sent.changed:
        return []
    said = "; ".join(work.sent.changed)
    return [
        f"queues.yml has changed since its template was published: {said}. New work follows "
        "queues.yml after `fleet template publish`."
    ]


def failure_in_words(work: Work) -> str:
    """Failure class and message."""
    if work.before_code:
        said = f"its agent says: {work.failure}" if work.failure else "its agent says no reason"
        return (
            f"before its code said anything: {said}; its console has the agent's log, such as of "
            "an image that could not be pulled or a commit that could not be cloned"
        )
    kind = f"failure class {work.failure_class}" if work.failure_class else "no failure class"
    return f"{kind}: {work.failure or 'it says no reason; see its log'}"


def _state(work: Work) -> str:
    step = work.step
    name = f"{step.name} ({step.phase or 'no phase'})"
    if work.is_template:
        return f"{name} is a template: it is cloned, and never runs itself."
    where = f" on {step.worker}" if step.worker else ""
    came = f", sent to {step.queue} ({work.sent.rule})" if step.queue else ""
    if step.status == "created":
        return f"{name} is a draft: nobody has enqueued it yet ({work.sent.rule})."
    if step.status == QUEUED:
        return f"{name} waits{came}."
    if step.status == "failed":
        if work.before_code:
            return f"{name} failed{where}{came}, {failure_in_words(work)}."
        told = failure_in_words(work)
        return f"{name} failed{where}{came}. {told[:1].upper()}{told[1:]}."
    state = {"in_progress": "runs", "completed": "ended well"}.get(step.status, f"is {step.status}")
    return f"{name} {state}{where}{came}."


def _table(work: Work) -> Table:
    step = work.step
    rows = [
        ("status", step.status, step.failure or step.result or "-"),
        ("started by", _starter(work), work.pipeline or "-"),
        ("queue", step.queue or "-", work.sent.rule),
        ("queue by queues.yml today", work.sent.today or "-", "; ".join(work.sent.changed) or "-"),
        ("agent", step.worker or "-", f"on node {step.node}" if step.node else "none has taken it"),
        ("image", step.image or "-", "-"),
        ("commit", step.commit or "-", "-"),
    ]
    return Table(("what", "which", "why"), tuple(rows))


def _starter(work: Work) -> str:
    return "a pipeline" if work.pipeline else "a person or a program"


def _unknown(api: Api, task_id: str) -> FleetError:
    runs = list_runs(api, limit=_RUNS)
    if task_id in {run.run_id for run in runs}:
        return FleetError(
            f"'{task_id}' is a run, not a task",
            where=api.url,
            mend=f"ask for it: fleet explain run {task_id}",
        )
    tasks = [step.task_id for run in runs for step in run.steps]
    return FleetError(
        f"there is no task '{task_id}'",
        where=api.url,
        mend=f"{hint(task_id, tasks)}ids of tasks: fleet show RUN",
    )
