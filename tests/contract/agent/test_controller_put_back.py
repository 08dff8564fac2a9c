"""A controller that its agent puts back goes on with its steps.

The controller runs under the real agent, from a repository that the agent clones; its steps run
one at a time in processes of the test, which decides what has ended when the controller is cut.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from fleet.clearml_api import Api
from fleet.paths import REPOSITORY
from fleet.queues import ensure_queues
from fleet.spec import Spec
from fleet.templates import StepCode, find_template, publish
from ml.catalog import PHASES
from tests.contract.agent.conftest import wait_for
from tests.contract.agent.declared import WANTED

CONTROLLERS, STEPS = "services", "cpu-all"
SPEC = Spec.model_validate(
    {
        "version": 1,
        "images": {"agent": {"repository": "fleet/agent"}, "cpu": {"repository": "fleet/cpu"}},
        "node_groups": {
            "controllers": {"image": "cpu", "services": True},
            "cpu_nodes": {"image": "cpu"},
        },
        "queues": {
            CONTROLLERS: {"node_group": "controllers", "priority": 1, "phases": ["pipeline"]},
            STEPS: {
                "node_group": "cpu_nodes",
                "priority": 1,
                "phases": sorted(set(PHASES) - {"pipeline"}),
            },
        },
        "policy": {"entry": "pipeline"},
    }
)
# the first fails by its parameters; all three are due at the same time
FAILS, *GOOD = MODELS = ["ridge", "hist_gradient_boosting", "lightgbm"]
FIELDS = {"models": ",".join(MODELS), "parameters": json.dumps({FAILS: {"alpha": "none"}})}


@pytest.fixture
def published(server, tmp_path):
    """The queues, and templates whose code a real agent can clone."""
    code = tmp_path / "code"
    shutil.copytree(REPOSITORY / "ml", code / "ml", ignore=shutil.ignore_patterns("__pycache__"))
    git = ["git", "-C", str(code), "-c", "user.name=test", "-c", "user.email=test@example.com"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "code"]):
        subprocess.run([*git, *words], check=True, timeout=60)
    commit = subprocess.check_output([*git, "rev-parse", "HEAD"], text=True, timeout=60).strip()
    api = Api(server)
    ensure_queues(api, SPEC.queues)
    publish(
        api,
        SPEC,
        StepCode(f"file://{code}", commit),
        registry=WANTED.registry,
        digests=WANTED.digests,
    )
    return api


class Steps:
    """The steps of the run, as their queue gives them and as their code runs."""

    def __init__(self, server, api, home: Path) -> None:
        self._server = server
        self._home = home
        (self._queue,) = [queue["id"] for queue in api.queues() if queue["name"] == STEPS]
        self.taken = Counter()

    def report(self) -> None:
        """A live worker polls the queue of the steps: else no controller starts."""
        now = int(time.time() * 1000)
        place = {"worker": "steps:0", "queues": [self._queue]}
        self._server.call("workers.register", **place)
        self._server.call("workers.status_report", **place, timestamp=now)

    def take(self) -> str:
        """The next step, which then is in progress; waits until there is one."""

        def taken():
            entry = self._server.call("queues.get_next_task", queue=self._queue).get("entry")
            return entry and entry["task"]

        task = wait_for(taken, seconds=90)
        self._server.call("tasks.started", task=task, force=True)
        name = self._server.call("tasks.get_by_id", task=task)["task"]["name"]
        self.taken[name.rsplit(" ", 1)[0]] += 1
        return task

    def run(self, task: str) -> str:
        """Run a step's code to its end, as an agent does; its status."""
        entry = self._server.call("tasks.get_by_id", task=task)["task"]["script"]["entry_point"]
        done = subprocess.run(
            [sys.executable, *entry.split()],
            cwd=REPOSITORY,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self._home),
                "CLEARML_CONFIG_FILE": str(self._server.config),
                "CLEARML_TASK_ID": task,
                "PYTHONPATH": str(REPOSITORY),
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if self._server.status(task) == "in_progress":
            self._server.call("tasks.completed", task=task, force=True)
        self.log = done.stdout + done.stderr
        return self._server.status(task)


def found(server, task):
    return server.call("tasks.get_by_id", task=task)["task"]


def log(server, task):
    answer = server.call("events.get_task_log", task=task, order="asc", batch_size=1000)
    return "".join(event["msg"] for event in answer["events"])


def made(server, controller):
    """The steps that a controller has made: id → step name."""
    return json.loads(found(server, controller)["configuration"]["steps"]["value"])


def plan(server, controller):
    """The plan as the SDK keeps it: step name → its state."""
    return json.loads(found(server, controller)["configuration"]["Pipeline"]["value"])


def enqueue_controller(server, published):
    """A run's controller, in its queue."""
    template = find_template(published, "pipeline")["id"]
    controller = server.call("tasks.clone", task=template, new_task_name="run")["id"]
    fields = [{"section": "Training", "name": key, "value": FIELDS[key]} for key in FIELDS]
    server.call("tasks.edit_hyper_params", task=controller, hyperparams=fields)
    server.call("tasks.enqueue", task=controller, queue_name=CONTROLLERS)
    return controller


def cut(agent):
    """Have an agent put back what it has."""
    agent.terminate()
    wait_for(lambda: "Drain: no more tasks" in agent.log.read_text())
    agent.terminate()
    assert agent.wait(60) == 0, agent.log.read_text()


def run_id(server, task):
    (tag,) = [tag for tag in found(server, task)["tags"] if tag.startswith("run:")]
    return tag


def test_a_controller_that_is_put_back_goes_on_and_makes_no_step_twice(
    server, published, start_agent, tmp_path
):
    steps = Steps(server, published, tmp_path)
    steps.report()
    keep = {"FLEET_AGENT_KEEP": str(tmp_path / "keep")}
    controller = enqueue_controller(server, published)
    agent = start_agent(CONTROLLERS, **keep)

    assert steps.run(steps.take()) == "completed", steps.log
    assert steps.run(steps.take()) == "completed", steps.log
    trainings = [steps.take() for _ in MODELS]
    named = made(server, controller)
    by_name = {named[task]: task for task in trainings}
    fails, waits, goes = (by_name[f"training-{model}"] for model in MODELS)
    assert steps.run(fails) == "failed", steps.log
    # the controller has seen that end, and not another
    wait_for(lambda: plan(server, controller)[f"training-{FAILS}"]["executed"] == fails)

    cut(agent)
    waiting = found(server, controller)
    assert (waiting["status"], waiting["status_reason"]) == ("queued", "put back by its agent")

    # the policy lets nobody start a training by itself: its waiting controller vouches for it
    assert steps.run(waits) == "completed", steps.log
    assert server.status(controller) == "queued"

    steps.report()
    start_agent(CONTROLLERS, **keep)
    wait_for(lambda: server.status(controller) == "in_progress", seconds=60)
    assert steps.run(goes) == "completed", steps.log
    for _ in range(3):
        assert steps.run(steps.take()) == "completed", steps.log
    wait_for(lambda: server.status(controller) != "in_progress", seconds=60)

    ended = found(server, controller)
    said = log(server, controller)
    assert ended["status"] == "completed", said
    assert set(steps.taken.values()) == {1}
    assert len(steps.taken) == 8
    nodes = plan(server, controller)
    assert {node["job_id"]: name for name, node in nodes.items()} == made(server, controller)
    assert {name: node["status"] for name, node in nodes.items()} == {
        name: "failed" if name == f"training-{FAILS}" else "completed" for name in nodes
    }
    tags = [run_id(server, controller)]
    of_the_run = server.call("tasks.get_all", tags=tags, only_fields=["id"])["tasks"]
    assert {task["id"] for task in of_the_run} == {controller, *made(server, controller)}

    # what it tells at its end names each outcome, of before the cut and of after it
    properties = {key: item["value"] for key, item in ended["hyperparams"]["properties"].items()}
    assert made(server, controller)[properties["training_summary"]] == "training-summary"
    assert made(server, controller)[properties["inference_summary"]] == "inference-summary"
    assert properties["best_model"] in GOOD
    assert properties["failed_models"].startswith(FAILS)
    assert f"failed: training {FAILS}" in said
    assert "put back to the front of its queue" in said


def test_a_controller_that_a_person_resets_begins_anew_whatever_the_server_keeps_of_its_run(
    server, published, start_agent, tmp_path
):
    steps = Steps(server, published, tmp_path)
    steps.report()
    keep = {"FLEET_AGENT_KEEP": str(tmp_path / "keep")}
    controller = enqueue_controller(server, published)
    agent = start_agent(CONTROLLERS, **keep)
    assert steps.run(steps.take()) == "completed", steps.log
    second = steps.take()
    cut(agent)
    before = found(server, controller)
    earlier, first_run = made(server, controller), run_id(server, controller)
    assert "_pipeline_hash" in before["runtime"]

    # it waits, put back; its plan, its steps and all that the SDK knows it by are as they were
    server.call("tasks.reset", task=controller)
    kept = {name: before["configuration"][name] for name in ("Pipeline", "steps")}
    server.call("tasks.edit", task=controller, runtime=before["runtime"], force=True)
    server.call("tasks.edit_configuration", task=controller, configuration=list(kept.values()))
    server.call("tasks.enqueue", task=controller, queue_name=CONTROLLERS)

    # a step of the run before does not start for the run that comes
    assert steps.run(second) == "failed", steps.log
    steps.report()
    start_agent(CONTROLLERS, **keep)
    again = steps.take()
    assert again not in earlier
    assert steps.run(again) == "completed", steps.log
    assert run_id(server, controller) != first_run
    assert set(made(server, controller)).isdisjoint(earlier)
    assert run_id(server, again) == run_id(server, controller)
