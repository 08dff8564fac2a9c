"""`fleet explain run` and `task`, on the embedded server."""

from __future__ import annotations

import json
import subprocess
import time

import pytest

from fleet.errors import FleetError
from fleet.explain import explain_run, explain_task
from fleet.paths import REPOSITORY
from fleet.queues import ensure_queues, live_workers
from fleet.runs import prepare, start
from fleet.templates import StepCode, find_template, publish
from ml.runtime import conventions
from tests.own_contract import SPEC, SPEC_FILE

DIGESTS = dict.fromkeys(SPEC.images, "sha256:" + "0" * 64)
CODE = StepCode("git://example/fleet.git", "a" * 40)


def _queue_id(api, name: str) -> str:
    return next(queue["id"] for queue in api.queues() if queue["name"] == name)


def _report(api, worker: str, queues: list[str], task: str | None = None) -> None:
    """What an agent says of itself; it will never take a task."""
    ids = [_queue_id(api, queue) for queue in queues]
    api.call("workers.register", worker=worker, queues=ids)
    now = int(time.time() * 1000)
    api.call("workers.status_report", worker=worker, queues=ids, timestamp=now, task=task)


def _start(api, template: str, values: dict[str, str] | None = None, **more):
    return start(api, SPEC, prepare(SPEC, template, values or {}, **more))


def _run_on(api, task_id: str, worker: str) -> None:
    api.call("tasks.dequeue", task=task_id)
    api.call("tasks.started", task=task_id, force=True)
    now = int(time.time() * 1000)
    api.call("workers.status_report", worker=worker, timestamp=now, task=task_id)


def _without_tasks(api) -> None:
    for queue in api.queues():
        for entry in queue.get("entries") or ():
            api.call("tasks.dequeue", task=entry["task"])


@pytest.fixture
def ready(api):
    """Templates published, all queues there, empty and served by one agent."""
    publish(api, SPEC, CODE, registry="registry:5000", digests=DIGESTS)
    ensure_queues(api, SPEC.queues)
    _without_tasks(api)
    _report(api, "node:0", list(SPEC.queues))
    yield api
    _without_tasks(api)
    for worker in live_workers(api):
        api.call("workers.unregister", worker=worker.id)


def test_a_waiting_task_names_what_stands_before_it_and_who_is_busy(ready):
    running = _start(ready, "training")
    _run_on(ready, running.task_id, "node:0")
    first, second = _start(ready, "training"), _start(ready, "training")
    sooner = _start(ready, "preprocessing")

    answer = explain_task(ready, SPEC, second.task_id)
    assert answer.facts["waiting"] == {
        "queue": "cpu-train",
        "before": [first.task_id],
        "agents_busy": {"node:0": running.task_id},
        "agents_idle": [],
        "agents_resting": {},
        "served_before": {"cpu-preprocess": 1},
    }
    for told in ("1 task is before it", first.task_id, "Its agent is busy: node:0 runs training"):
        assert told in answer.paragraph
    assert "take 1 task of cpu-preprocess" in answer.paragraph
    assert "Its agent is busy" in explain_task(ready, SPEC, sooner.task_id).paragraph


def test_a_free_agent_is_named(ready):
    started = _start(ready, "training")
    answer = explain_task(ready, SPEC, started.task_id)
    assert "as the first" in answer.paragraph
    assert "node:0 is free" in answer.paragraph


def test_the_agent_of_the_services_queue_is_not_busy_with_one_task(ready):
    controller = _start(ready, "pipeline")
    _run_on(ready, controller.task_id, "node:0")
    another = _start(ready, "pipeline")
    assert explain_task(ready, SPEC, another.task_id).facts["waiting"]["agents_busy"] == {}


def test_a_queue_without_a_live_agent_is_told(ready):
    started = _start(ready, "training")
    ready.call("workers.unregister", worker="node:0")
    answer = explain_task(ready, SPEC, started.task_id)
    assert "No live agent serves cpu-train" in answer.paragraph
    assert answer.facts["waiting"]["agents_busy"] == {}


def test_a_task_that_is_queued_and_in_no_queue_is_told(ready):
    started = _start(ready, "training")
    taken = ready.call("queues.get_next_task", queue=_queue_id(ready, "cpu-train"))
    assert taken["entry"]["task"] == started.task_id
    answer = explain_task(ready, SPEC, started.task_id)
    assert "queued but it is in no queue" in answer.paragraph
    ready.call("tasks.reset", task=started.task_id, force=True)
    assert "is a draft" in explain_task(ready, SPEC, started.task_id).paragraph


def test_a_model_that_asks_for_a_gpu_is_explained_by_it(ready):
    started = _start(ready, "training", {"Model/name": "mlp"})
    facts = explain_task(ready, SPEC, started.task_id).facts
    assert facts["queue"] == facts["queue_today"] == "gpu-train"
    assert "offers a GPU" in facts["rule"]


def test_a_queue_that_somebody_chose_is_told_from_one_that_no_rule_allows(ready):
    chosen = _start(ready, "inference-batch", {"Input/run_id": "r"}, queue="gpu-infer")
    assert "chosen by" in explain_task(ready, SPEC, chosen.task_id).facts["rule"]
    ready.call("tasks.dequeue", task=chosen.task_id)
    ready.call("tasks.enqueue", task=chosen.task_id, queue=_queue_id(ready, "cpu-train"))
    assert "may not run there" in explain_task(ready, SPEC, chosen.task_id).facts["rule"]


def test_a_template_that_is_older_than_queues_yml_is_told(ready):
    started = _start(ready, "preprocessing")
    moved = {
        "cpu-preprocess": SPEC.queues["cpu-preprocess"].model_copy(
            update={"phases": ["data-registration"]}
        ),
        "cpu-train": SPEC.queues["cpu-train"].model_copy(
            update={"phases": ["training", "training-summary", "preprocessing"]}
        ),
    }
    today = SPEC.model_copy(update={"queues": {**SPEC.queues, **moved}})
    answer = explain_task(ready, today, started.task_id)
    assert answer.facts["queue_today"] == "cpu-train"
    assert "by its template preprocessing goes to cpu-preprocess, by queues.yml to cpu-train" in (
        answer.paragraph
    )
    assert "fleet template publish" in answer.paragraph
    assert not explain_task(ready, SPEC, started.task_id).facts["changed"]


def test_a_failed_task_has_its_class_and_message(ready):
    started = _start(ready, "preprocessing")
    _run_on(ready, started.task_id, "node:0")
    values = {
        conventions.PROPERTY_FAILURE_CLASS: "data-access",
        conventions.PROPERTY_FAILURE: "no data set is named",
        conventions.PROPERTY_DIFFERENCES: "image",
    }
    properties = [
        {"section": "properties", "name": name, "value": value, "type": "str"}
        for name, value in values.items()
    ]
    ready.call("tasks.edit_hyper_params", task=started.task_id, force=True, hyperparams=properties)
    ready.call("tasks.failed", task=started.task_id, status_message="exit code 1", force=True)
    answer = explain_task(ready, SPEC, started.task_id)
    assert "failure class data-access: no data set is named" in answer.paragraph.lower()
    assert "on node:0" in answer.paragraph
    assert "It differs from its template: image." in answer.paragraph
    run = explain_run(ready, SPEC, started.run_id)
    assert "data-access: no data set is named" in run.paragraph
    assert "preprocessing differs from its template: image." in run.paragraph
    assert run.facts["steps"][0]["node"] == "node"


def test_a_step_is_explained_by_the_routing_of_its_pipeline(ready):
    controller = _start(ready, "pipeline")
    template = find_template(ready, "training")
    step = ready.call(
        "tasks.clone",
        task=template["id"],
        new_task_parent=controller.task_id,
        new_task_name=f"training mlp {controller.run_id}",
        new_task_tags=conventions.step_tags([], "training", controller.run_id),
    )["id"]
    item = {"section": "Model", "name": "name", "value": "mlp", "type": "str"}
    ready.call("tasks.edit_hyper_params", task=step, hyperparams=[item])
    ready.call("tasks.enqueue", task=step, queue=_queue_id(ready, "gpu-train"))
    assert explain_task(ready, SPEC, step).facts["pipeline"] is None
    steps = {
        "name": conventions.STEPS_OBJECT,
        "type": "json",
        "value": json.dumps({step: "training-mlp"}),
    }
    ready.call(
        "tasks.edit_configuration", task=controller.task_id, configuration=[steps], force=True
    )
    answer = explain_run(ready, SPEC)
    by_id = {found["task_id"]: found for found in answer.facts["steps"]}
    assert by_id[step]["pipeline"] == controller.task_id
    assert by_id[step]["rule"].startswith("the pipeline's template: ")
    assert by_id[controller.task_id]["pipeline"] is None
    assert "training mlp: It waits on gpu-train" in answer.paragraph


def test_a_template_and_a_task_of_nobodys_are_told_as_such(ready):
    template = find_template(ready, "training")
    assert "is a template" in explain_task(ready, SPEC, template["id"]).paragraph
    project = ready.call("projects.create", name="another team", description="")["id"]
    foreign = ready.call("tasks.create", name="notebook", type="training", project=project)["id"]
    assert "no rule of queues.yml" in explain_task(ready, SPEC, foreign).paragraph


def test_a_wrong_id_is_answered_with_the_nearest(ready):
    started = _start(ready, "preprocessing")
    with pytest.raises(FleetError, match=f"did you mean '{started.task_id}'"):
        explain_task(ready, SPEC, started.task_id[:-2] + "zz")
    with pytest.raises(FleetError, match=f"did you mean '{started.run_id}'"):
        explain_run(ready, SPEC, started.run_id[:-2] + "zz")
    with pytest.raises(FleetError, match="is a run, not a task"):
        explain_task(ready, SPEC, started.run_id)
    with pytest.raises(FleetError, match="is a task, not a run"):
        explain_run(ready, SPEC, started.task_id)
    with pytest.raises(FleetError, match="there is no task ''"):
        explain_task(ready, SPEC, "")


def test_the_commands_print_a_paragraph_a_table_and_json(ready, config_file):
    started = _start(ready, "preprocessing")

    def explain(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(REPOSITORY / ".venv/bin/fleet"), "explain", *arguments, "--spec", str(SPEC_FILE)],
            capture_output=True,
            text=True,
            timeout=60,
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": "/nonexistent",
                "CLEARML_CONFIG_FILE": str(config_file),
            },
            check=False,
        )

    shown = explain("run", "--last")
    assert shown.returncode == 0, shown.stderr
    assert started.task_id in shown.stdout
    data = json.loads(explain("task", started.task_id, "--json").stdout)
    assert data["facts"]["queue"] == "cpu-preprocess"
    assert explain("run").returncode == 2
    wrong = explain("task", "no-such-task")
    assert (wrong.returncode, "there is no task" in wrong.stderr) == (1, True)
    assert "Traceback" not in wrong.stderr
