"""The main job, end to end: real nodes, real agents, real tasks.

The tests build on one fleet and run in this order; the last one takes it down.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sklearn.datasets import load_breast_cancer

from fleet.inventory import read_declared
from fleet.local.inventory import INVENTORY
from fleet.runs.request import prepare
from fleet.runs.start import needed_queues
from fleet.spec import load
from ml.catalog import PHASES
from ml.phases.pipeline import DEFAULT_MODELS


@pytest.fixture(scope="module")
def run(fleet) -> dict:
    """A pipeline run over a file of the user's own, with one model that cannot train."""
    return fleet.result(
        "run",
        "pipeline",
        "--set",
        'Training/parameters={"ridge": {"alpha": -1}}',
        "--wait",
        "--timeout",
        "420",
        timeout=480,
    )


def test_templates_of_all_phases_are_there_and_publishing_again_keeps_them(fleet):
    published = fleet.result("template", "publish")
    assert {item["phase"] for item in published} == set(PHASES)
    assert {item["outcome"] for item in published} == {"kept"}


def test_a_run_completes_on_declared_queues_and_several_nodes_from_pinned_images(fleet, run):
    shown = fleet.result("show", "--last")
    assert shown == fleet.result("show", run["run_id"])
    assert shown["run_id"] == run["run_id"]
    assert shown["status"] == "completed"
    spec, declared = read_declared(INVENTORY)
    groups = {node.name: node.groups for node in declared.nodes}
    for step in shown["steps"]:
        assert step["phase"] in spec.queues[step["queue"]].phases
        assert spec.queues[step["queue"]].node_group in groups[step["node"]]
        assert re.search(r"@sha256:[0-9a-f]{64}$", step["image"])
        assert re.fullmatch(r"[0-9a-f]{40}", step["commit"])
        assert step["worker"].startswith(step["node"])
        assert step["started"] <= step["completed"]
    used = {step["queue"] for step in shown["steps"]}
    assert used == set(needed_queues(spec, prepare(spec, "pipeline", {})))
    assert len({step["node"] for step in shown["steps"]}) > 1
    by_id = {step["task_id"]: step for step in shown["steps"]}
    assert by_id[shown["training_summary"]]["phase"] == "training-summary"
    assert by_id[shown["inference_summary"]]["phase"] == "inference-summary"
    assert shown["run_id"] in {item["run_id"] for item in fleet.result("runs")}


def test_a_failed_model_leaves_a_summary_that_names_it_and_its_error(fleet, run):
    failed = [step for step in run["steps"] if step["status"] == "failed"]
    assert [step["phase"] for step in failed] == ["training"]
    assert "alpha" in failed[0]["failure"]
    report = fleet.result("report", run["run_id"])
    (named,) = report["summary"]["failed"]
    assert named["model"] == "ridge"
    assert "alpha" in str(named)
    # diabetes is a regression
    assert set(report["summary"]["left_out"]) == {"discriminant"}
    trained = {entry["model"] for entry in report["summary"]["leaderboard"]}
    assert trained == set(DEFAULT_MODELS) - {"ridge", "discriminant"}
    page = Path(report["report"]).read_text()
    assert "ridge" in page
    assert "plotly" in page


def test_a_prediction_from_a_phase_template(fleet, run):
    done = fleet.result(
        "run",
        "inference-single",
        "--set",
        f"Input/run_id={run['run_id']}",
        "--set",
        'Input/record={"age": 0.03, "sex": 0.05, "bmi": 0.06, "bp": 0.02, "s1": -0.04, '
        '"s2": -0.03, "s3": -0.04, "s4": 0.0, "s5": 0.02, "s6": -0.02}',
        "--wait",
        "--timeout",
        "120",
    )
    (step,) = done["steps"]
    wanted = load().queues_of_phase("inference-single")[0]
    assert (step["status"], step["queue"]) == ("completed", wanted)
    predicted, interval = step["result"].removeprefix("target: ").split(" (90 %: ")
    low, high = map(float, interval.rstrip(")").split(" to "))
    assert 25 < float(predicted) < 346  # the range of the data
    assert low < float(predicted) < high


def test_a_users_own_file_with_classes(fleet, tmp_path):
    table = load_breast_cancer(as_frame=True).frame
    table["target"] = table["target"].map({0: "malignant", 1: "benign"})
    file = tmp_path / "tumours.csv"
    table.to_csv(file, index=False)
    done = fleet.result(
        "run",
        "pipeline",
        "--file",
        str(file),
        "--set",
        "Data/target=target",
        "--set",
        "Training/models=ridge,lightgbm",
        "--wait",
        "--timeout",
        "300",
    )
    assert done["status"] == "completed"
    assert {step["status"] for step in done["steps"]} == {"completed"}


def test_the_playbook_changes_nothing_when_run_again(fleet):
    done = fleet.playbook("site.yml")
    assert done.returncode == 0, done.stdout[-4000:]
    recap = re.findall(
        r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+).*failed=(\d+)\s+skipped=(\d+)", done.stdout, re.M
    )
    nodes = {node.name for node in read_declared(INVENTORY)[1].nodes}
    assert nodes <= {host for host, *_ in recap}
    assert {(changed, failed) for _, _, changed, failed, _ in recap} == {("0", "0")}
    # What matches costs next to nothing, also on the node that stands for those of the whole fleet.
    assert max(int(ok) + int(skipped) for _, ok, _, _, skipped in recap) <= 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "pipline"], ["did you mean 'pipeline'"]),
        (["run", "pipeline", "--set", "Data/targt=x"], ["Data/targt", "Data/target"]),
        (["run", "pipeline", "--queue", "absent"], ["absent", "leave --queue out"]),
        (["show", "no-such-run"], ["no-such-run", "fleet runs"]),
        (["run", "pipeline", "--file", "absent.csv", "--set", "Data/target=x"], ["absent.csv"]),
    ],
)
def test_a_users_mistake_is_one_clear_message_and_nothing_is_made(fleet, arguments, words):
    before = fleet.result("runs")
    done = fleet.cli(*arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "fix: " in done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
    assert fleet.result("runs") == before


def test_a_running_task_survives_the_stop_of_its_agent(fleet):
    started = fleet.result("run", "data-registration", "--set", "Data/source=builtin:diabetes")
    node, agent = _await_agent(fleet, started["run_id"])
    fleet.on_node(node, "docker", "stop", agent)
    try:
        step = _await_end(fleet, started["run_id"])
        assert step["status"] == "completed"
        code = fleet.on_node(node, "docker", "inspect", "--format", "'{{.State.ExitCode}}'", agent)
        assert code.strip() == "0"
    finally:
        fleet.on_node(node, "docker", "start", agent)


def test_a_queue_without_a_live_agent_is_an_error_at_once(fleet):
    with _stopped(fleet, "gpu-1", fleet.agent("gpu-1-0")):
        done = fleet.cli("run", "pipeline")
        assert done.returncode == 1
        spec = load()
        queue = next(
            name
            for name in spec.queues_of_phase("training")
            if spec.group_of_queue(name).accelerator == "gpu"
        )
        assert f"the queue '{queue}' has no live agent" in done.stderr
        status = fleet.cli("local", "status")
        assert status.returncode == 1
        assert "gpu-1" in status.stdout + status.stderr


def test_a_server_that_is_down_is_named_and_up_mends_it(fleet):
    fleet.cli("local", "stop-server")
    done = fleet.cli("runs")
    assert done.returncode == 1
    assert "server does not answer" in done.stderr
    up = fleet.cli("local", "up", "--no-run", timeout=600)
    assert up.returncode == 0, up.stderr
    assert fleet.result("runs")


def test_down_leaves_nothing_behind(fleet):
    assert {"containers", "networks", "volumes", "processes"} <= set(fleet.leftovers)
    done = fleet.cli("local", "down", "--keep-images", timeout=300)
    assert done.returncode == 0, done.stderr
    assert fleet.leftovers == {}


@contextmanager
def _stopped(fleet, node: str, container: str) -> Iterator[None]:
    fleet.on_node(node, "docker", "stop", container)
    try:
        yield
    finally:
        fleet.on_node(node, "docker", "start", container)


def _await_agent(fleet, run_id: str, seconds: float = 60) -> tuple[str, str]:
    """The node that a run's task runs on and its agent's container there, once it runs."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        (step,) = fleet.result("show", run_id)["steps"]
        if step["status"] == "in_progress" and step["worker"]:
            node, slot = step["worker"].split(":")[:2]
            return node, fleet.agent(f"{node}-{slot}")
        time.sleep(0.2)
    pytest.fail(f"no agent took the task of {run_id} up in {seconds} s")


def _await_end(fleet, run_id: str, seconds: float = 120) -> dict:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        (step,) = fleet.result("show", run_id)["steps"]
        if step["status"] in ("completed", "failed", "stopped"):
            return step
        time.sleep(1)
    pytest.fail(f"the task of {run_id} did not end in {seconds} s")
