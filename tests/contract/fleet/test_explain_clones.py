"""Clones of templates that people made by hand, explained on the embedded server."""

from __future__ import annotations

import time

import pytest

from fleet.explain import explain_run, explain_task
from fleet.queues import ensure_queues
from fleet.runs import prepare, start
from fleet.templates import StepCode, find_template, publish
from ml.runtime import conventions
from tests.own_contract import SPEC

DIGESTS = dict.fromkeys(SPEC.images, "sha256:" + "0" * 64)
CODE = StepCode("git://example/fleet.git", "a" * 40)


def _queue_id(api, name: str) -> str:
    return next(queue["id"] for queue in api.queues() if queue["name"] == name)


@pytest.fixture
def template(api):
    """The stable template of training; all queues are there, and served."""
    publish(api, SPEC, CODE, registry="registry:5000", digests=DIGESTS)
    ensure_queues(api, SPEC.queues)
    served = [_queue_id(api, name) for name in SPEC.queues]
    api.call("workers.register", worker="node:0", queues=served)
    now = int(time.time() * 1000)
    api.call("workers.status_report", worker="node:0", queues=served, timestamp=now)
    yield find_template(api, "training")
    api.call("workers.unregister", worker="node:0")


@pytest.fixture(params=["a name of its own", "the template's name"])
def clone(api, template, request):
    """What ClearML's own Clone makes of it: all its tags, in its project."""
    name = "training" if request.param == "the template's name" else "Clone Of training"
    task = api.call("tasks.clone", task=template["id"], new_task_name=name)["id"]
    assert conventions.TEMPLATE_TAG in api.call("tasks.get_by_id", task=task)["task"]["tags"]
    yield task
    for queue in api.queues():
        if task in [entry["task"] for entry in queue.get("entries") or ()]:
            api.call("tasks.dequeue", task=task)


def _send(api, task: str) -> None:
    api.call("tasks.enqueue", task=task, queue=_queue_id(api, "cpu-train"))


def _start(api, task: str) -> None:
    api.call("tasks.dequeue", task=task)
    api.call("tasks.started", task=task, force=True)
    now = int(time.time() * 1000)
    api.call("workers.status_report", worker="node:0", timestamp=now, task=task)


def test_a_clone_that_waits_says_where(api, clone):
    assert "is a draft" in explain_task(api, SPEC, clone).paragraph
    _send(api, clone)
    answer = explain_task(api, SPEC, clone)
    assert answer.facts["template"] is False
    assert "waits, sent to cpu-train" in answer.paragraph
    assert "It waits on cpu-train, as the first." in answer.paragraph
    assert "is a template" not in answer.paragraph


def test_a_clone_that_runs_says_so(api, clone):
    _send(api, clone)
    _start(api, clone)
    answer = explain_task(api, SPEC, clone)
    assert "runs on node:0" in answer.paragraph
    api.call("tasks.failed", task=clone, force=True)


def test_a_clone_that_failed_before_its_code_says_what_its_agent_says(api, clone):
    _send(api, clone)
    _start(api, clone)
    api.call(
        "tasks.failed",
        task=clone,
        force=True,
        status_reason="failed cloning repository",
        status_message="changed by the agent",
    )
    answer = explain_task(api, SPEC, clone)
    assert answer.facts["failed_before_code"] is True
    assert (
        "failed on node:0, sent to cpu-train (the first queue of training that offers a CPU, as "
        "it asks), before its code said anything: its agent says: failed cloning repository, "
        "changed by the agent; its console has"
    ) in answer.paragraph


def test_a_clone_that_its_code_refused_has_the_class(api, clone):
    _send(api, clone)
    _start(api, clone)
    api.call(
        "tasks.failed",
        task=clone,
        force=True,
        status_reason="override",
        status_message="the Model section is another's",
    )
    answer = explain_task(api, SPEC, clone)
    assert answer.facts["failed_before_code"] is False
    assert "Failure class override: the Model section is another's." in answer.paragraph


def test_a_step_of_a_run_that_failed_before_its_code_says_so(api, template):
    started = start(api, SPEC, prepare(SPEC, "training", {}))
    _start(api, started.task_id)
    api.call("tasks.failed", task=started.task_id, force=True, status_reason="exit code 125")
    answer = explain_run(api, SPEC, started.run_id)
    assert "training failed, before its code said anything: its agent says: exit code 125" in (
        answer.paragraph
    )


def test_a_step_whose_code_ran_is_not_said_to_have_failed_before(api, template):
    started = start(api, SPEC, prepare(SPEC, "training", {}))
    _start(api, started.task_id)
    item = {
        "section": "properties",
        "name": conventions.PROPERTY_ENVIRONMENT,
        "value": "0123456789ab",
        "type": "str",
    }
    api.call("tasks.edit_hyper_params", task=started.task_id, force=True, hyperparams=[item])
    api.call("tasks.failed", task=started.task_id, force=True, status_reason="exit code 137")
    answer = explain_task(api, SPEC, started.task_id)
    assert "No failure class: exit code 137." in answer.paragraph


def test_a_template_that_is_retired_is_still_one(api, template):
    newer = StepCode(CODE.repository, "b" * 40)
    publish(api, SPEC, newer, registry="registry:5000", digests=DIGESTS)
    assert "is a template" in explain_task(api, SPEC, template["id"]).paragraph
