"""`fleet explain run`: where each task of a run went, by which rule, and what it waits for."""

from __future__ import annotations

from fleet.clearml_api import Api, ApiError
from fleet.errors import FleetError
from fleet.explain.answer import Answer, Table, counted, listed
from fleet.explain.task import changed_in_words, failure_in_words
from fleet.explain.waiting import read_backlog
from fleet.explain.work import Work, explain_steps, read_step
from fleet.runs import Run, list_runs, read_run
from fleet.spec import Spec
from fleet.spec.wording import hint

_RUNS = 200


def explain_run(api: Api, spec: Spec, run_id: str | None = None) -> Answer:
    """Explain a run; without an id, the newest.

    Raises
    ------
    FleetError
        There is no such run, or none at all.
    """
    run = _read(api, run_id)
    works = explain_steps(api, spec, run.steps, read_backlog(api))
    sentences = [_overview(run)]
    for work in works:
        name = work.step.short_name(run.run_id)
        if work.waits:
            sentences.append(f"{name}: {' '.join(work.waits)}")
        if work.step.status == "failed":
            sentences.append(f"{name} failed, {failure_in_words(work)}.")
        if work.differences:
            sentences.append(f"{name} differs from its template: {work.differences}.")
    sentences += dict.fromkeys(said for work in works for said in changed_in_words(work))
    facts = {
        "run_id": run.run_id,
        "status": run.status,
        "steps": [work.facts() for work in works],
    }
    return Answer(f"run {run.run_id}", tuple(sentences), (_table(run, works),), facts)


def _read(api: Api, run_id: str | None) -> Run:
    try:
        return read_run(api, run_id)
    except ApiError:
        raise
    except FleetError as error:
        raise (_unknown(api, run_id) if run_id else None) or error from None


def _unknown(api: Api, run_id: str) -> FleetError | None:
    """What was meant, where that can be said."""
    if read_step(api, run_id):
        return FleetError(
            f"'{run_id}' is a task, not a run",
            where=api.url,
            mend=f"ask for it: fleet explain task {run_id}",
        )
    near = hint(run_id, [run.run_id for run in list_runs(api, limit=_RUNS)])
    if not near:
        return None
    return FleetError(
        f"there is no run '{run_id}'", where=api.url, mend=f"{near}list them: fleet runs"
    )


def _overview(run: Run) -> str:
    queues = list(dict.fromkeys(step.queue for step in run.steps if step.queue))
    nodes = list(dict.fromkeys(step.node for step in run.steps if step.node))
    sent = f"went to {counted(len(queues), 'queue')} ({listed(queues)})" if queues else "none sent"
    ran = f"ran on {listed(nodes)}" if nodes else "none has run"
    return f"The run is {run.status}: {counted(len(run.steps), 'task')}, {sent}, {ran}."


def _table(run: Run, works: list[Work]) -> Table:
    rows = tuple(
        (
            work.step.short_name(run.run_id),
            work.step.status,
            work.step.queue or "-",
            work.sent.rule,
            work.step.worker or "-",
            _image(work.step.image),
            work.step.task_id,
        )
        for work in works
    )
    return Table(("step", "status", "queue", "why there", "agent", "image", "task"), rows)


def _image(reference: str | None) -> str:
    """`fleet/cpu@sha256:0123456789ab`: long enough to compare."""
    if not reference:
        return "-"
    name, at, digest = reference.partition("@")
    return f"{'/'.join(name.split('/')[1:]) or name}{at}{digest[:19]}"
