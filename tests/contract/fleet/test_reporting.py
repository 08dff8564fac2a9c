"""What a whole run shows in ClearML keeps the rules, and its fingerprints can be compared.

A pipeline runs by the real controller, each step by its own code in a process of its own, as an
agent runs it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fleet.paths import REPOSITORY
from fleet.queues import ensure_queues
from fleet.runs import prepare, start
from fleet.runs.compare import compare
from fleet.runs.fingerprints import read_fingerprints
from fleet.spec.models import Policy
from fleet.templates import StepCode, publish
from ml.catalog import PHASES
from ml.runtime import conventions as names
from ml.runtime.reporting import children_of, read_view, violations
from tests.own_contract import SPEC

DIGESTS = {name: "sha256:" + f"{index}" * 64 for index, name in enumerate(SPEC.images)}
CODE = StepCode("git://example/fleet.git", "d" * 40)
FIELDS = {
    "Data/source": "builtin:diabetes",
    "Data/edits": '[{"do": "drop", "columns": ["s6"]}]',
    "Training/models": "ridge,lightgbm,hist_gradient_boosting",
    # one model fails, and the rest is there
    "Training/parameters": '{"hist_gradient_boosting": {"max_iter": -1}}',
    "Inference/record": json.dumps(
        dict.fromkeys(("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5"), 0.01)
    ),
    "Inference/optimize": '{"Search/trials": 20}',
}
# enough for the controller and two steps beside each other
WORKERS = 3
SECONDS = 600


class Fleet:
    """Runs what stands in the queues as agents do, some tasks at a time."""

    def __init__(self, api, config_file: Path, home: Path) -> None:
        self._api = api
        self._config = config_file
        self._home = home
        self._queues = {queue["id"]: queue["name"] for queue in api.queues()}
        self.logs: dict[str, str] = {}

    def work_until_over(self, task_id: str) -> str:
        """Take and run tasks until one is over; its status."""
        deadline = time.monotonic() + SECONDS
        with ThreadPoolExecutor(WORKERS) as pool:
            while time.monotonic() < deadline:
                status = self._api.call("tasks.get_by_id", task=task_id)["task"]["status"]
                if status not in ("created", "queued", "in_progress"):
                    return status
                for queue, name in self._queues.items():
                    entry = self._api.call("queues.get_next_task", queue=queue).get("entry")
                    if entry:
                        pool.submit(self._run, entry["task"], name)
                time.sleep(0.2)
        raise AssertionError(f"not over in {SECONDS} seconds: {self.logs}")

    def _run(self, task_id: str, queue: str) -> None:
        task = self._api.call("tasks.get_by_id", task=task_id)["task"]
        self._api.call("tasks.started", task=task_id, force=True)
        image = SPEC.group_of_queue(queue).image
        noted = f"registry:5000/{SPEC.images[image].repository}@{DIGESTS[image]}"
        container = {**task["container"], "image": noted, "arguments": ""}
        self._api.call("tasks.edit", task=task_id, container=container, force=True)
        done = subprocess.run(
            [sys.executable, *task["script"]["entry_point"].split()],
            cwd=REPOSITORY,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self._home),
                "CLEARML_CONFIG_FILE": str(self._config),
                "CLEARML_TASK_ID": task_id,
                "PYTHONPATH": str(REPOSITORY),
            },
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        self.logs[task["name"]] = done.stdout + done.stderr
        found = self._api.call("tasks.get_by_id", task=task_id)["task"]
        if found["status"] == "in_progress":
            status = "failed" if done.returncode else "completed"
            self._api.call(f"tasks.{status}", task=task_id, force=True)


@pytest.fixture(scope="module")
def run(api, config_file, tmp_path_factory):
    """A run's id, when it is over."""
    ensure_queues(api, SPEC.queues)
    spec = SPEC.model_copy(update={"policy": Policy(entry="both")})
    publish(api, spec, CODE, registry="registry:5000", digests=DIGESTS)
    queues = [queue["id"] for queue in api.queues() if queue["name"] in SPEC.queues]
    for entry in [entry for queue in api.queues() for entry in queue["entries"]]:
        api.call("tasks.dequeue", task=entry["task"])
    api.call("workers.register", worker="reporting:0", queues=queues)
    now = int(time.time() * 1000)
    api.call("workers.status_report", worker="reporting:0", queues=queues, timestamp=now)
    started = start(api, spec, prepare(spec, "pipeline", FIELDS))
    fleet = Fleet(api, config_file, tmp_path_factory.mktemp("home"))
    assert fleet.work_until_over(started.task_id) == "completed", fleet.logs
    api.call("workers.unregister", worker="reporting:0")
    return started.run_id


@pytest.fixture(scope="module")
def views(api, run):
    """The tasks of the run as a person sees them."""
    found = []
    for task in api.tasks(tags=[names.run_tag(run)], only_fields=["id"], search_hidden=True):
        whole = api.call("tasks.get_by_id", task=task["id"])["task"]
        plots = api.call("events.get_task_plots", task=task["id"], iters=1)["plots"]
        found.append(read_view(whole, plots))
    return found


def test_each_phase_shows_what_the_rules_allow(views):
    assert {view.phase for view in views} == set(PHASES)
    assert [one for view in views for one in violations(view, children_of(view, views))] == []


def test_what_is_looked_at_is_what_was_reported(views):
    shown = {view.phase: view for view in views if view.status == "completed"}
    for phase in ("pipeline", "training", "training-summary", "inference-batch"):
        assert shown[phase].plots, phase
    assert {one.path for one in shown["training"].fields} >= {"Model/name", "Model/seed"}
    assert shown["training-summary"].properties[names.PROPERTY_BEST_MODEL]
    failed = [view for view in views if view.status == "failed"]
    assert [view.properties[names.PROPERTY_FAILURE_CLASS] for view in failed] == ["override"]
    assert names.ARTIFACT_FINGERPRINT in failed[0].artifacts


def test_a_childs_plot_shown_again_would_be_found(views):
    training = next(view for view in views if view.phase == "training" and view.plots)
    summary = next(view for view in views if view.phase == "training-summary")
    repeating = dataclasses.replace(summary, plots=(*summary.plots[:1], training.plots[0]))
    (found,) = violations(repeating, [training])
    assert "repeats the plot" in found


def test_a_run_compares_equal_with_itself_and_every_step_has_its_fingerprint(api, run):
    one = read_fingerprints(api, run)
    compared = compare(one, one)
    assert compared.equal
    assert compared.differences == ()
    keys = [step.key for step in one.steps]
    assert keys[-1] == "pipeline"
    assert {"data-registration", "training ridge", "training lightgbm"} <= set(keys)
    for step in one.steps:
        made = step.fingerprint
        assert made["commit"] == CODE.commit
        assert made["image"].endswith(tuple(DIGESTS.values()))
        assert made["environment"] or step.status == "failed"
    trained = next(step for step in one.steps if step.key == "training ridge").fingerprint
    prepared = next(step for step in one.steps if step.key == "preprocessing")
    assert {one["of"] for one in trained["inputs"]} == {prepared.reference}
    assert trained["data_hash"] == prepared.fingerprint["data_hash"] != ""
    assert trained["results"]


HUNGRY = """
import sys, time
from pathlib import Path
import numpy as np
from clearml import Task
from ml.runtime import memory
from ml.runtime.memory_watch import MemoryWatch
from ml.runtime.task_step import TaskStep

task = Task.init(auto_connect_frameworks=False, auto_resource_monitoring=False)
step = TaskStep(task, "training", "r1", Path(sys.argv[1]))
with MemoryWatch(step.give_up, limit=memory.held() + 300_000_000):
    kept = []
    for _ in range(100):
        kept.append(np.ones(10_000_000 // 8))
        time.sleep(0.01)
    time.sleep(30)
"""


def test_a_task_that_fills_its_memory_says_so_on_the_server(api, config_file, tmp_path):
    project = api.call("projects.create", name="contract/memory")["id"]
    task = api.call("tasks.create", name="hungry", type="training", project=project)["id"]
    api.call("tasks.started", task=task, force=True)
    done = subprocess.run(
        [sys.executable, "-c", HUNGRY, str(tmp_path)],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "CLEARML_CONFIG_FILE": str(config_file),
            "CLEARML_TASK_ID": task,
            "PYTHONPATH": str(REPOSITORY),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "error: out of memory: " in done.stdout
    found = api.call("tasks.get_by_id", task=task)["task"]
    assert found["status"] == "failed"
    assert found["status_reason"] == "resource"
    properties = {name: item["value"] for name, item in found["hyperparams"]["properties"].items()}
    assert properties[names.PROPERTY_FAILURE_CLASS] == "resource"
    assert properties[names.PROPERTY_FAILURE].startswith("out of memory: ")
