"""The policy against people: clones made, edited and enqueued as the web interface does it.

The step code then runs in a process of its own, as an agent runs it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from fleet.errors import FleetError, UserError
from fleet.paths import REPOSITORY
from fleet.queues import ensure_queues
from fleet.runs import prepare, read_run, start
from fleet.server.settings import Settings
from fleet.server.store import Store
from fleet.spec.models import Policy
from fleet.templates import StepCode, find_template, publish
from ml.catalog import PHASES
from ml.runtime.conventions import ARTIFACT_FINGERPRINT
from ml.runtime.guard import check_start
from ml.runtime.origin import note_start
from ml.runtime.server import Server
from tests.own_contract import SPEC

DIGESTS = {name: "sha256:" + f"{index}" * 64 for index, name in enumerate(SPEC.images)}
CODE = StepCode("git://example/fleet.git", "c" * 40)
OWNED = {
    "queues": {
        name: queue.model_copy(update={"owner": "team models"})
        for name, queue in SPEC.queues.items()
    }
}
ACCESS = {"groups": {"modellers": ["Ann Lee"]}, "may_run": {"training": ["modellers"]}}


class Person:
    """A user of the web interface: the requests that it sends, with credentials of their own."""

    def __init__(self, config_file: Path, name: str) -> None:
        self.name = name
        self.url = re.search(r'api_server: "([^"]+)"', config_file.read_text())[1]
        store = Store(Settings(config_file.parent, self.url, self.url))
        found = store.database.one("SELECT id FROM users WHERE name = ?", (name,))
        self.id = found[0] if found else store.authority.create_user(name)
        self.key = store.authority.create_credentials(self.id)
        store.database.commit()
        store.database.close()

    def call(self, endpoint: str, **data):
        answer = requests.post(f"{self.url}/{endpoint}", json=data, auth=self.key, timeout=10)
        answer.raise_for_status()
        return answer.json()["data"]

    def clone(self, task: str, name: str = "Clone Of it") -> str:
        return self.call("tasks.clone", task=task, new_task_name=name)["id"]

    def edit(self, task: str, **changes) -> None:
        """The script and the container are sent as a whole, as the form holds them."""
        held = self.call("tasks.get_by_id", task=task)["task"]
        merged = {key: {**held.get(key, {}), **value} for key, value in changes.items()}
        self.call("tasks.edit", task=task, **merged)

    def enqueue(self, task: str, queue: str) -> None:
        self.call("tasks.enqueue", task=task, queue_name=queue)


@pytest.fixture(scope="module")
def ann(config_file):
    return Person(config_file, "Ann Lee")


@pytest.fixture(scope="module")
def dan(config_file):
    return Person(config_file, "Dan Moe")


@pytest.fixture
def published(api):
    """Publishes the templates of the tests' contract with another policy; gives that contract."""
    ensure_queues(api, SPEC.queues)
    queues = [queue for queue in api.queues() if queue["name"] in SPEC.queues]
    for entry in [entry for queue in queues for entry in queue["entries"]]:
        api.call("tasks.dequeue", task=entry["task"])
    ids = [queue["id"] for queue in queues]
    api.call("workers.register", worker="policy:0", queues=ids)
    now = int(time.time() * 1000)
    api.call("workers.status_report", worker="policy:0", queues=ids, timestamp=now)

    def make(phases=tuple(PHASES), **policy):
        spec = SPEC.model_copy(update={"policy": Policy(**policy), **OWNED})
        publish(api, spec, CODE, registry="registry:5000", digests=DIGESTS, phases=phases)
        return spec

    yield make
    api.call("workers.unregister", worker="policy:0")
    publish(api, SPEC, CODE, registry="registry:5000", digests=DIGESTS)


@pytest.fixture
def agent(api, config_file, tmp_path):
    """Takes one task from a queue and runs its step code; gives the task as it then is."""

    def take(queue: str, checkout: Path = REPOSITORY, container: bool = True, **environment: str):
        (queue_id,) = [item["id"] for item in api.queues() if item["name"] == queue]
        task_id = api.call("queues.get_next_task", queue=queue_id)["entry"]["task"]
        task = api.call("tasks.get_by_id", task=task_id)["task"]
        api.call("tasks.started", task=task_id, force=True)
        if container:
            # an agent whose slot has an image notes that one, whatever the task asked for
            name = SPEC.group_of_queue(queue).image
            image = f"registry:5000/{SPEC.images[name].repository}@{DIGESTS[name]}"
            noted = {**task["container"], "image": image, "arguments": ""}
            api.call("tasks.edit", task=task_id, container=noted, force=True)
        done = subprocess.run(
            [sys.executable, *task["script"]["entry_point"].split()],
            cwd=checkout,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "CLEARML_CONFIG_FILE": str(config_file),
                "CLEARML_TASK_ID": task_id,
                "PYTHONPATH": str(checkout),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        found = api.call("tasks.get_by_id", task=task_id)["task"]
        if found["status"] == "in_progress":
            status = "failed" if done.returncode else "completed"
            api.call(f"tasks.{status}", task=task_id, force=True)
            found = api.call("tasks.get_by_id", task=task_id)["task"]
        section = found["hyperparams"].get("properties", {})
        found["properties"] = {name: item["value"] for name, item in section.items()}
        found["log"] = done.stdout + done.stderr
        return found

    return take


class _Background:
    """Work that goes on in a thread until it ends; leaving waits for that."""

    def __init__(self, work, *arguments) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._future = self._pool.submit(work, *arguments)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        self._pool.shutdown()

    @property
    def running(self) -> bool:
        return not self._future.done()

    @property
    def result(self):
        return self._future.result()


def _permit(api, task_id: str, phase: str, accelerator: str = "cpu", run_id: str = "r1"):
    server = Server(api._session)
    record = server.record(task_id)
    return check_start(record, PHASES[phase], run_id, accelerator, PHASES.values(), server)


def _refusal(api, task_id: str, phase: str, **given) -> UserError:
    with pytest.raises(UserError) as caught:
        _permit(api, task_id, phase, **given)
    return caught.value


def _cloned(api, person: Person, phase: str, queue: str, **changes) -> str:
    """A draft of a template, sent to a queue; nothing takes it."""
    task = person.clone(find_template(api, phase)["id"])
    if changes:
        person.edit(task, **changes)
    name = SPEC.group_of_queue(queue).image
    if "image" not in changes.get("container", {}):
        image = f"registry:5000/{SPEC.images[name].repository}@{DIGESTS[name]}"
        person.edit(task, container={"image": image})
    person.enqueue(task, queue)
    person.call("tasks.dequeue", task=task)
    return task


def test_a_template_carries_the_policy_that_it_was_published_under(api, published):
    published(entry="pipeline", access=ACCESS, environment="extended", differences="mark")
    text = find_template(api, "training")["configuration"]["routing"]["value"]
    policy = json.loads(text)["policy"]
    assert policy["entry"] == "pipeline"
    assert policy["access"] == ACCESS
    assert (policy["environment"], policy["differences"]) == ("extended", "mark")
    assert policy["owners"]["training"] == "team models"


@pytest.mark.parametrize("entry", ["pipeline", "phase", "both"])
@pytest.mark.parametrize(
    ("phase", "queue"),
    [
        ("pipeline", "services"),
        ("inference-batch", "cpu-infer"),
        ("training", "cpu-train"),
    ],
)
def test_client_and_guard_agree_about_entry(api, published, ann, entry, phase, queue):
    spec = published(entry=entry)
    task = _cloned(api, ann, phase, queue)
    before = len(api.tasks(only_fields=["id"]))
    refused = (entry, phase) in {("pipeline", "training"), ("phase", "pipeline")}
    if not refused:
        assert prepare(spec, phase, {}).queue == queue
        assert _permit(api, task, phase).differences == ()
        return
    with pytest.raises(UserError, match=f"'{phase}' may not be started") as client:
        prepare(spec, phase, {})
    guard = _refusal(api, task, phase)
    assert (guard.what, guard.mend) == (client.value.what, client.value.mend)
    assert guard.where == f"task {task}, {client.value.where}"
    assert "inference-batch" in guard.mend
    assert len(api.tasks(only_fields=["id"])) == before


def test_a_clone_by_hand_of_what_may_not_be_started_fails_before_it_computes(
    api, published, ann, agent
):
    published(entry="pipeline")
    task = ann.clone(find_template(api, "training")["id"])
    ann.enqueue(task, "cpu-train")
    found = agent("cpu-train")
    assert found["id"] == task
    assert (found["status"], found["status_reason"]) == ("failed", "permission")
    assert found["properties"]["failure_class"] == "permission"
    assert "'training' may not be started by itself" in found["status_message"]
    assert "start one of: pipeline, inference-single, inference-batch" in found["log"]
    assert "Traceback" not in found["log"]
    # what it was made of; of what a phase computes, nothing
    assert [item["key"] for item in found["execution"]["artifacts"]] == [ARTIFACT_FINGERPRINT]


def test_access_goes_by_who_made_the_clone(api, published, ann, dan):
    published(entry="both", access=ACCESS)
    assert _permit(api, _cloned(api, ann, "training", "cpu-train"), "training").packages == ()
    error = _refusal(api, _cloned(api, dan, "training", "cpu-train"), "training")
    assert error.what == "Dan Moe may not start 'training'; the group modellers (Ann Lee) may"
    assert error.mend.startswith("ask team models")
    assert error.failure_class == "permission"
    assert _permit(api, _cloned(api, dan, "inference-batch", "cpu-infer"), "inference-batch")


def test_the_client_asks_who_is_connected_before_it_clones(api, published):
    spec = published(entry="both", access=ACCESS)
    before = len(api.tasks(only_fields=["id"]))
    own = api.call("users.get_current_user")["user"]
    with pytest.raises(UserError, match=f"{own['name']} may not start 'training'"):
        start(api, spec, prepare(spec, "training", {}))
    assert len(api.tasks(only_fields=["id"])) == before
    allowed = published(entry="both", access={"may_run": {"training": [own["id"]]}})
    assert start(api, allowed, prepare(allowed, "training", {})).queue == "cpu-train"


def _controller(api, person: Person, run_id: str, status: str = "in_progress") -> str:
    task = person.clone(find_template(api, "pipeline")["id"], f"pipeline {run_id}")
    person.call("tasks.edit", task=task, tags=["phase:pipeline", f"run:{run_id}"])
    if status != "created":
        api.call("tasks.started", task=task, force=True)
    if status == "completed":
        api.call("tasks.completed", task=task, force=True)
    return task


def _step_of(api, person: Person, controller: str, *, named: bool = True) -> str:
    task = _cloned(api, person, "training", "cpu-train")
    api.call("tasks.edit", task=task, parent=controller, force=True)
    if named:
        Server(api._session).set_configuration(controller, "steps", {task: "training-ridge"})
    return task


def test_a_step_of_a_run_in_progress_may_run_whoever_may_start_it(api, published, ann, dan):
    published(entry="pipeline", access=ACCESS)
    step = _step_of(api, dan, _controller(api, ann, "r1"))
    assert _permit(api, step, "training")


def test_a_step_that_has_started_counts_as_a_persons_when_it_starts_again(api, published, ann, dan):
    published(entry="pipeline", access=ACCESS)
    controller = _controller(api, ann, "r1")
    step = _step_of(api, dan, controller)
    permit = _permit(api, step, "training")
    assert permit.controller == controller
    note_start(step, permit.controller, Server(api._session))
    error = _refusal(api, step, "training")
    assert error.failure_class == "permission"
    assert f"its pipeline {controller} has started this step before" in error.what
    other = _step_of(api, dan, controller)
    assert _permit(api, other, "training").controller == controller


FORGED = {
    "not named": "not one of the steps of its pipeline",
    "older": "is of an older version",
    "another run": "not one of the steps of its pipeline",
    "ended": "has ended",
    "draft": "has not started",
    "not a controller": "",
    "gone": "",
}


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_parent_lets_nobody_through(api, published, ann, dan, forged):
    published(entry="pipeline", access=ACCESS)
    status = {"ended": "completed", "draft": "created"}.get(forged, "in_progress")
    run_id = "r2" if forged == "another run" else "r1"
    controller = _controller(api, ann, run_id, status)
    step = _step_of(api, dan, controller, named=forged not in ("not named", "older"))
    if forged == "not named":
        Server(api._session).set_configuration(controller, "steps", {})
    if forged == "not a controller":
        other = ann.clone(find_template(api, "training")["id"])
        ann.call("tasks.edit", task=other, tags=["phase:pipeline", "run:r1"])
        api.call("tasks.started", task=other, force=True)
        api.call("tasks.edit", task=step, parent=other, force=True)
        Server(api._session).set_configuration(other, "steps", {step: "training"})
    if forged == "gone":
        api.call("tasks.delete", task=controller, force=True)
    error = _refusal(api, step, "training")
    assert error.failure_class == "permission"
    assert "'training' may not be started by itself" in error.what
    assert FORGED[forged] in error.what
    assert ("clone the current pipeline" in error.mend) == (forged == "older")


def test_a_controller_of_somebody_who_may_not_start_it_vouches_for_nothing(
    api, published, ann, dan
):
    published(entry="both", access={"may_run": {"pipeline": ["Ann Lee"]}})
    step = _step_of(api, dan, _controller(api, dan, "r1"))
    assert "Dan Moe may not start 'pipeline'" in str(_refusal(api, step, "training"))


@pytest.mark.parametrize(
    ("choice", "accelerator", "queue", "allowed"),
    [
        ("fixed", "cpu", "cpu-train", None),
        ("fixed", "cpu", "gpu-train", "cpu-train"),
        ("fixed", "gpu", "gpu-train", None),
        ("fixed", "gpu", "cpu-train", "gpu-train"),
        ("phase", "cpu", "gpu-train", None),
        ("phase", "cpu", "cpu-infer", "cpu-train or gpu-train"),
        ("free", "cpu", "cpu-infer", None),
    ],
)
def test_client_and_guard_agree_about_queues(
    api, published, ann, choice, accelerator, queue, allowed
):
    spec = published(entry="both", queue_choice=choice)
    model = {"cpu": "ridge", "gpu": "mlp"}[accelerator]
    values = {"Model/name": model}
    task = _cloned(api, ann, "training", queue)
    if allowed is None:
        assert prepare(spec, "training", values, queue=queue).queue == queue
        assert _permit(api, task, "training", accelerator)
        return
    with pytest.raises(FleetError) as client:
        prepare(spec, "training", values, queue=queue)
    assert allowed.replace(" or ", ", ") in client.value.mend
    guard = _refusal(api, task, "training", accelerator=accelerator)
    assert guard.mend == f"enqueue it on {allowed}"
    assert guard.where == f"task {task}, {client.value.where}"
    assert guard.failure_class == "queue"


def test_a_queue_that_is_not_declared_is_refused_even_where_the_choice_is_free(api, published, ann):
    published(entry="both", queue_choice="free")
    ensure_queues(api, ["my-own-queue"])
    task = ann.clone(find_template(api, "training")["id"])
    ann.enqueue(task, "my-own-queue")
    ann.call("tasks.dequeue", task=task)
    assert "'my-own-queue'" in _refusal(api, task, "training").what


EDITS = {
    "script": {"requirements": {"pip": "left-pad==1.0\n"}, "diff": "diff --git a/ml/x b/ml/x\n"},
    "container": {"image": "python:3", "setup_shell_script": "pip install left-pad"},
}


def test_a_clone_that_differs_is_refused_with_each_difference_named(api, published, ann, agent):
    published(entry="both")
    task = ann.clone(find_template(api, "training")["id"])
    ann.edit(task, **EDITS)
    ann.enqueue(task, "cpu-train")
    found = agent("cpu-train", container=False)
    assert (found["status"], found["status_reason"]) == ("failed", "override")
    assert found["status_message"] == (
        "the task is not as its template training: uncommitted changes, set-up script, packages"
    )
    assert "packages: left-pad==1.0; the template has (none)" in found["log"]
    assert "policy differences: refuse" in found["log"]
    # what it was made of; of what a phase computes, nothing
    assert [item["key"] for item in found["execution"]["artifacts"]] == [ARTIFACT_FINGERPRINT]


@pytest.mark.parametrize("differences", ["refuse", "mark"])
def test_another_image_is_only_ever_marked(api, published, ann, agent, differences):
    """No person chooses it: the agent takes its slot's, which may be rolled out before or after."""
    published(entry="both", differences=differences)
    task = ann.clone(find_template(api, "data-registration")["id"])
    ann.edit(task, container={"image": "registry:5000/fleet/cpu@sha256:" + "e" * 64})
    ann.enqueue(task, "cpu-preprocess")
    found = agent("cpu-preprocess", container=False)
    assert found["status"] == "completed", found["log"]
    assert found["properties"]["differences"] == "image"
    assert "differs" in found["tags"]
    (line,) = [line for line in found["log"].splitlines() if "differs from its template" in line]
    assert "cpu@sha256:" + "e" * 64 in line
    assert DIGESTS["cpu"] in line
    assert "fleet template publish" in line


def test_a_new_image_fails_no_clone_of_the_version_before(api, published, ann, monkeypatch):
    """The version that it was made from is still found, though it now differs by its image."""
    published(entry="both")
    task = _cloned(api, ann, "training", "cpu-train")
    newer = dict.fromkeys(DIGESTS, "sha256:" + "d" * 64)
    monkeypatch.setitem(globals(), "DIGESTS", newer)
    published(entry="both")
    # the node was brought up to date too, and its agent took the new image
    image = f"registry:5000/{SPEC.images['cpu'].repository}@{newer['cpu']}"
    ann.edit(task, container={"image": image})
    assert [one.part for one in _permit(api, task, "training").differences] == ["image"]


def test_without_a_published_template_nothing_a_task_carries_is_its_rule(api, published, ann):
    published(entry="pipeline")
    template = find_template(api, "training")["id"]
    task = _cloned(api, ann, "training", "cpu-train")
    api.call("tasks.edit", task=template, system_tags=["archived"])
    error = _refusal(api, task, "training")
    assert error.failure_class == "override"
    assert "the template training is not published" in error.what
    assert "fleet template publish" in error.mend


def test_a_template_that_is_edited_and_enqueued_itself_is_refused_as_it_is(
    api, published, ann, agent
):
    published(entry="pipeline")
    template = find_template(api, "training")
    routing = json.loads(template["configuration"]["routing"]["value"])
    routing["policy"]["entry"] = "both"
    item = {**template["configuration"]["routing"], "value": json.dumps(routing)}
    ann.call("tasks.edit_configuration", task=template["id"], configuration=[item])
    ann.enqueue(template["id"], "cpu-train")
    found = agent("cpu-train")
    assert (found["id"], found["status"]) == (template["id"], "failed")
    assert found["status_reason"] == "override"
    assert "is the template training itself" in found["status_message"]
    assert "fleet template publish" in found["log"]
    assert "Traceback" not in found["log"]
    kept = ("name", "tags", "project")
    assert [found[key] for key in kept] == [template[key] for key in kept]
    published(entry="pipeline")
    assert find_template(api, "training")["id"] != template["id"]


def test_a_controller_sends_its_steps_by_the_published_rules(api, published, ann):
    published(entry="pipeline", differences="mark")
    task = _cloned(api, ann, "pipeline", "services")
    held = ann.call("tasks.get_by_id", task=task)["task"]["configuration"]["routing"]
    routing = {**json.loads(held["value"]), "channel": "retired"}
    item = {**held, "value": json.dumps(routing)}
    ann.call("tasks.edit_configuration", task=task, configuration=[item])
    permit = _permit(api, task, "pipeline")
    assert [one.part for one in permit.differences] == ["routing"]
    assert permit.routing.channel == "stable"


def test_where_differences_are_marked_it_runs_and_bears_the_mark(api, published, ann, agent):
    published(entry="both", differences="mark")
    task = ann.clone(find_template(api, "data-registration")["id"])
    ann.edit(task, **EDITS)
    ann.enqueue(task, "cpu-preprocess")
    found = agent("cpu-preprocess")
    assert found["status"] == "completed", found["log"]
    assert found["properties"]["differences"] == "uncommitted changes, set-up script, packages"
    assert "differs" in found["tags"]
    assert "differs from its template: packages: left-pad==1.0" in found["log"]
    again = ann.clone(task)
    ann.edit(again, script={"requirements": {}, "diff": ""}, container={"setup_shell_script": ""})
    ann.enqueue(again, "cpu-preprocess")
    found = agent("cpu-preprocess")
    assert found["status"] == "completed", found["log"]
    assert "differs" not in found["tags"]
    assert "differences" not in found["properties"]
    assert re.fullmatch(r"[0-9a-f]{12}", found["properties"]["environment"])
    environment = json.loads(found["configuration"]["environment"]["value"])
    assert environment["hash"] == found["properties"]["environment"]
    assert environment["packages"]["pandas"]
    assert environment["added"] == {}


@pytest.mark.parametrize("value", [None, "not JSON", {"entry": "both"}])
def test_editing_the_clones_own_policy_opens_nothing(api, published, ann, value):
    published(entry="pipeline", differences="mark")
    task = _cloned(api, ann, "training", "cpu-train")
    if value is None:
        ann.call("tasks.delete_configuration", task=task, configuration=["routing"])
    else:
        held = ann.call("tasks.get_by_id", task=task)["task"]["configuration"]["routing"]
        routing = json.loads(held["value"])
        routing["policy"] = value
        text = json.dumps(routing) if isinstance(value, dict) else value
        item = {**held, "value": text}
        ann.call("tasks.edit_configuration", task=task, configuration=[item])
    assert _refusal(api, task, "training").failure_class == "permission"


def test_the_policy_is_the_stable_templates_even_for_a_clone_of_an_older_one(api, published, ann):
    published(entry="both")
    task = _cloned(api, ann, "training", "cpu-train")
    assert _permit(api, task, "training")
    published(entry="pipeline")
    assert _refusal(api, task, "training").failure_class == "permission"


def test_a_clone_of_the_version_before_is_no_difference(api, published, ann):
    published(entry="both")
    task = _cloned(api, ann, "training", "cpu-train")
    published(entry="both", access={"may_run": {"pipeline": ["Ann Lee"]}})
    assert _permit(api, task, "training").differences == ()


def test_a_template_of_before_there_was_a_policy_keeps_working(api, published, ann):
    published(entry="both")
    template = find_template(api, "training")
    routing = json.loads(template["configuration"]["routing"]["value"])
    item = {
        **template["configuration"]["routing"],
        "value": json.dumps({key: routing[key] for key in routing if key != "policy"}),
    }
    api.call("tasks.edit_configuration", task=template["id"], configuration=[item])
    task = _cloned(api, ann, "training", "cpu-train")
    assert _permit(api, task, "training").differences == ()


@pytest.fixture
def declaring(monkeypatch, tmp_path):
    """A checkout whose data-registration declares a package; publishing sees it too."""

    def declare(package: str) -> Path:
        checkout = tmp_path / "checkout"
        shutil.copytree(REPOSITORY / "ml", checkout / "ml")
        file = checkout / "ml/phases/data_registration.py"
        text = file.read_text()
        declared = f'    packages=("{package}",),\n    order='
        file.write_text(text.replace("    order=", declared, 1))
        phase = dataclasses.replace(PHASES["data-registration"], packages=(package,))
        monkeypatch.setitem(PHASES, phase.name, phase)
        return checkout

    return declare


def _wheel(folder: Path, name: str, version: str) -> None:
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in files)
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for file, content in files.items():
            wheel.writestr(file, content)


def test_a_declared_package_is_recorded_installed_and_noted(
    api, published, ann, agent, declaring, tmp_path
):
    checkout = declaring("fleet-extra==1.5")
    with pytest.raises(UserError, match="the environment is strict"):
        published(entry="both", phases=["data-registration"])
    published(entry="both", environment="extended")
    template = find_template(api, "data-registration")
    assert template["script"]["requirements"] == {"pip": "fleet-extra==1.5"}
    routing = json.loads(template["configuration"]["routing"]["value"])
    assert routing["packages"] == {"data-registration": ["fleet-extra==1.5"]}

    index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels")}
    ann.enqueue(ann.clone(template["id"]), "cpu-preprocess")
    absent = agent("cpu-preprocess", checkout, **index)
    assert (absent["status"], absent["status_reason"]) == ("failed", "dependency")
    assert "the packages fleet-extra==1.5 cannot be added" in absent["status_message"]
    assert "pip's settings" in absent["log"]

    _wheel(tmp_path / "wheels", "fleet_extra", "1.5")
    ann.enqueue(ann.clone(template["id"]), "cpu-preprocess")
    found = agent("cpu-preprocess", checkout, **index)
    assert found["status"] == "completed", found["log"]
    assert "adding to the image's packages: fleet-extra==1.5" in found["log"]
    environment = json.loads(found["configuration"]["environment"]["value"])
    assert environment["added"] == {"fleet-extra": "1.5"}


def test_a_pipelines_own_steps_run_under_the_narrowest_policy(api, published, ann, agent):
    """It earns its time: it is the one place where a real controller vouches for real steps."""
    spec = published(
        entry="pipeline",
        queue_choice="fixed",
        access={"may_run": {"training": [], "pipeline": ["Ann Lee"]}},
    )
    task = ann.clone(find_template(api, "pipeline")["id"])
    item = {"section": "Training", "name": "models", "value": "ridge", "type": "str"}
    ann.call("tasks.edit_hyper_params", task=task, hyperparams=[item])
    ann.enqueue(task, "services")
    order = ["cpu-preprocess", "cpu-train", "cpu-infer"]
    with _Background(agent, "services") as controller:
        deadline = time.monotonic() + 150
        while controller.running and time.monotonic() < deadline:
            waiting = {queue["name"] for queue in api.queues() if queue.get("entries")}
            for queue in order:
                if queue in waiting:
                    step = agent(queue)
                    assert step["status"] == "completed", step["log"]
            time.sleep(0.2)
    found = controller.result
    assert found["status"] == "completed", found["log"]
    run = read_run(api, found["properties"]["run_id"])
    asked_for = {"data-editing", "inference-single", "inference-optimize"}
    assert {step.phase for step in run.steps} == set(PHASES) - asked_for
    steps = json.loads(found["configuration"]["steps"]["value"])
    assert set(steps) == {step.task_id for step in run.steps} - {task}
    assert {f"started-{step}" for step in steps} <= set(found["configuration"])

    # a step of it, cloned by hand, bears the controller as its parent and the run's tag
    (training,) = [step.task_id for step in run.steps if step.phase == "training"]
    again = ann.clone(training)
    assert ann.call("tasks.get_by_id", task=again)["task"]["parent"] == task
    ann.enqueue(again, "cpu-train")
    refused = agent("cpu-train")
    assert (refused["status"], refused["status_reason"]) == ("failed", "permission")
    assert spec.policy.entry in refused["log"]
