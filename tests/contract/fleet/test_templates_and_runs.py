from __future__ import annotations

import json
import subprocess
import time

import pytest

from fleet.clearml_api import ApiError
from fleet.errors import FleetError, FleetErrors
from fleet.paths import REPOSITORY
from fleet.queues import ensure_queues, live_workers
from fleet.runs import list_runs, prepare, read_run, start, wait
from fleet.templates import StepCode, find_template, find_templates, publish
from ml.catalog import PHASES
from ml.runtime import conventions
from tests.own_contract import SPEC

DIGESTS = dict.fromkeys(SPEC.images, "sha256:" + "0" * 64)
CODE = StepCode("git://example/fleet.git", "a" * 40)


def _publish(api, code=CODE):
    return publish(api, SPEC, code, registry="registry:5000", digests=DIGESTS)


def _worker(api, name: str, queues: list[str]) -> None:
    """What an agent says of itself when it starts; it will never take a task."""
    ids = {queue["name"]: queue["id"] for queue in api.queues()}
    wanted = [ids[queue] for queue in queues]
    api.call("workers.register", worker=name, queues=wanted)
    now = int(time.time() * 1000)
    api.call("workers.status_report", worker=name, queues=wanted, timestamp=now)


@pytest.fixture
def ready(api):
    """Templates published, all queues there and served."""
    _publish(api)
    ensure_queues(api, SPEC.queues)
    _worker(api, "node:0", list(SPEC.queues))
    yield api
    for worker in live_workers(api):
        api.call("workers.unregister", worker=worker.id)


def test_queues_are_created_once(api):
    names = ["first-queue", "second-queue"]
    assert ensure_queues(api, names, dry_run=True) == names
    assert ensure_queues(api, names) == names
    assert ensure_queues(api, names) == []
    assert {queue["name"] for queue in api.queues()} >= set(names)


def test_each_phase_gets_a_draft_that_holds_its_fields_pinned_to_commit_and_digest(api):
    _publish(api)
    for phase in PHASES:
        template = find_template(api, phase)
        assert template["status"] == "created"
        assert template["script"]["version_num"] == CODE.commit
        assert template["script"]["entry_point"] == f"-m ml {phase}"
        assert template["container"]["image"].endswith("@" + DIGESTS["cpu"])
        routing = json.loads(template["configuration"]["routing"]["value"])
        assert routing["queues"]["training"] == ["cpu-train", "gpu-train"]
        assert routing["queue_images"]["gpu-train"] == "cuda"
    target = find_template(api, "pipeline")["hyperparams"]["Data"]["target"]
    assert target["type"] == "str"
    assert "predict" in target["description"]


def test_publishing_again_keeps_what_is_equal_and_retires_what_is_replaced(api):
    _publish(api)
    assert {item.outcome for item in _publish(api)} == {"kept"}
    newer = StepCode(CODE.repository, "b" * 40)
    assert {item.outcome for item in _publish(api, newer)} == {"published"}
    assert len(find_templates(api, "training")) == 1
    assert find_template(api, "training")["script"]["version_num"] == newer.commit
    retired = find_templates(api, "training", "retired")
    assert retired[0]["script"]["version_num"] == CODE.commit


def test_a_clone_has_the_users_fields_the_runs_tag_and_none_of_the_templates(ready):
    started = start(ready, SPEC, prepare(SPEC, "training", {"Model/name": "lightgbm"}))
    task = ready.call("tasks.get_by_id", task=started.task_id)["task"]
    assert task["status"] == "queued"
    assert task["hyperparams"]["Model"]["name"]["value"] == "lightgbm"
    assert task["hyperparams"]["properties"]["run_id"]["value"] == started.run_id
    assert sorted(task["tags"]) == sorted(["phase:training", f"run:{started.run_id}"])
    assert find_template(ready, "training")["hyperparams"]["Model"]["name"]["value"] == "ridge"

    run = read_run(ready, started.run_id)
    (step,) = run.steps
    assert (run.status, step.phase, step.queue, step.node) == (
        "queued",
        "training",
        "cpu-train",
        None,
    )
    assert list_runs(ready)[0].run_id == started.run_id


def test_a_run_that_failed_says_why_and_wait_returns_it(ready):
    started = start(ready, SPEC, prepare(SPEC, "preprocessing", {}))
    ready.call("tasks.dequeue", task=started.task_id)
    ready.call("tasks.started", task=started.task_id, force=True)
    ready.call(
        "tasks.edit_hyper_params",
        task=started.task_id,
        force=True,
        hyperparams=[
            {
                "section": "properties",
                "name": conventions.PROPERTY_FAILURE,
                "value": "no data set is named",
                "type": "str",
            }
        ],
    )
    ready.call("tasks.failed", task=started.task_id, status_message="exit code 1")
    told = []
    run = wait(ready, started.run_id, seconds=10, echo=told.append)
    assert (run.finished, run.succeeded) == (True, False)
    assert run.steps[0].failure == "no data set is named"
    assert any("failed" in line for line in told)


def test_waiting_has_an_end(ready):
    started = start(ready, SPEC, prepare(SPEC, "preprocessing", {}))
    with pytest.raises(FleetError, match="has not ended after 0 s; it goes on"):
        wait(ready, started.run_id, seconds=0)


def test_a_queue_without_a_live_agent_is_refused_and_nothing_is_made(ready):
    ready.call("workers.unregister", worker="node:0")
    _worker(ready, "node:0", ["services", "cpu-preprocess", "cpu-infer"])
    before = len(list_runs(ready, limit=1000))
    with pytest.raises(FleetErrors) as caught:
        start(ready, SPEC, prepare(SPEC, "pipeline", {}))
    assert "'cpu-train' has no live agent" in str(caught.value)
    assert "'gpu-train' has no live agent" in str(caught.value)
    assert len(list_runs(ready, limit=1000)) == before


def test_a_worker_that_stopped_reporting_does_not_count(ready):
    assert [worker.id for worker in live_workers(ready)] == ["node:0"]
    ready.call("workers.unregister", worker="node:0")
    assert live_workers(ready) == []


def test_a_missing_queue_and_an_unpublished_template_are_told_apart(ready):
    (queue,) = [item for item in ready.queues() if item["name"] == "gpu-infer"]
    ready.call("queues.delete", queue=queue["id"])
    with pytest.raises(FleetError, match="the server has no queue 'gpu-infer'"):
        start(ready, SPEC, prepare(SPEC, "inference-batch", {}, queue="gpu-infer"))
    with pytest.raises(FleetError, match="not published in channel 'candidate'"):
        find_template(ready, "training", "candidate")


def test_a_refused_call_names_endpoint_and_reason(api):
    with pytest.raises(ApiError, match=r"tasks\.get_by_id") as caught:
        api.call("tasks.get_by_id", task="0" * 32)
    assert (caught.value.code, caught.value.subcode) == (400, 101)


def _cli(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(REPOSITORY / ".venv/bin/fleet"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
        check=False,
    )


def test_a_server_that_is_away_is_named(tmp_path, config_file):
    config = tmp_path / "clearml.conf"
    config.write_text(config_file.read_text().replace("127.0.0.1", "127.0.0.9"))
    done = _cli("runs", CLEARML_CONFIG_FILE=str(config))
    assert done.returncode == 1
    assert "the ClearML server does not answer" in done.stderr
    assert "127.0.0.9" in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_credentials_are_named_without_showing_them(tmp_path, config_file):
    config = tmp_path / "clearml.conf"
    lines = [
        line.split('"')[0] + '"not-the-key"' if "_key:" in line else line
        for line in config_file.read_text().splitlines()
    ]
    config.write_text("\n".join(lines))
    done = _cli("runs", CLEARML_CONFIG_FILE=str(config))
    assert done.returncode == 1
    assert "does not accept the credentials" in done.stderr
    assert "not-the-key" not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_commands_print_json_and_a_table(ready, config_file):
    started = start(ready, SPEC, prepare(SPEC, "preprocessing", {}))
    config = str(config_file)
    shown = _cli("show", started.run_id, "--json", CLEARML_CONFIG_FILE=config)
    assert json.loads(shown.stdout)["steps"][0]["task_id"] == started.task_id
    table = _cli("runs", CLEARML_CONFIG_FILE=config)
    assert started.run_id in table.stdout
    assert _cli("show", CLEARML_CONFIG_FILE=config).returncode == 2
    nothing = _cli("show", "no-such-run", CLEARML_CONFIG_FILE=config)
    assert nothing.returncode == 1
    assert "there is no run 'no-such-run'" in nothing.stderr


def test_a_clone_that_somebody_made_by_hand_is_not_taken_for_the_template(api):
    _publish(api)
    template = find_template(api, "training")
    api.call("tasks.clone", task=template["id"], new_task_name="Clone Of training")
    assert find_template(api, "training")["id"] == template["id"]


def test_a_field_that_the_published_template_lacks_is_named_and_nothing_is_made(ready):
    template = find_template(ready, "training")
    older = {**template["hyperparams"], "Model": {**template["hyperparams"]["Model"]}}
    del older["Model"]["seed"]
    ready.call("tasks.edit", task=template["id"], hyperparams=older)
    before = len(list_runs(ready, limit=1000))
    with pytest.raises(FleetError, match="has no field Model/seed") as caught:
        start(ready, SPEC, prepare(SPEC, "training", {"Model/seed": "1"}))
    assert "fleet template publish" in str(caught.value)
    assert len(list_runs(ready, limit=1000)) == before
    assert {item.outcome for item in _publish(ready)} == {"kept", "published"}


def test_a_configuration_file_that_is_named_goes_before_the_environment(ready, config_file):
    started = start(ready, SPEC, prepare(SPEC, "preprocessing", {}))
    elsewhere = {"CLEARML_API_HOST": "http://127.0.0.9:1", "CLEARML_API_ACCESS_KEY": "other"}
    shown = _cli("show", started.run_id, "--config", str(config_file), **elsewhere)
    assert shown.returncode == 0, shown.stderr
    assert started.task_id in shown.stdout
