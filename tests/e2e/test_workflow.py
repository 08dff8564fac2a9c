"""The tabular workflow on real nodes: from files as people have them, and what fails on the way.

Uses the fleet of the other tests, before the last of them takes it down. The second half works on
a second node alone, whose tasks have little memory.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fleet.paths import REPOSITORY, STATE
from ml.runtime.conventions import (
    ARTIFACT_FINGERPRINT,
    PROPERTY_FAILURE_CLASS,
    PROPERTY_MODEL,
)
from tests.e2e.work import read, until

FIRST, SECOND = "cpu-1", "cpu-2"
_SECONDS = "480"
_MODELS = "ridge,random_forest,hist_gradient_boosting,lightgbm,xgboost,catboost,mlp"
# The same on whichever node: nothing in it names one.
_REPEATED = ("--set", "Data/source=builtin:diabetes", "--set", f"Training/models={_MODELS}")


def run(fleet, *arguments: str) -> dict:
    """A pipeline run to its end, which must be a good one."""
    return fleet.result("run", "pipeline", *arguments, "--wait", "--timeout", _SECONDS, timeout=540)


def setting(name: str, value: object) -> tuple[str, str]:
    """A field of the pipeline; what is no text, as JSON."""
    return "--set", f"{name}={value if isinstance(value, str) else json.dumps(value)}"


@pytest.fixture(scope="module")
def first_run(fleet) -> dict:
    return run(fleet, *_REPEATED)


def test_a_number_is_predicted_and_every_model_is_compared(fleet, first_run):
    assert {step["status"] for step in first_run["steps"]} == {"completed"}
    board = fleet.result("report", first_run["run_id"])["summary"]["leaderboard"]
    assert {row["model"] for row in board} == set(_MODELS.split(","))


def test_each_step_leaves_a_fingerprint(fleet, first_run):
    for step in first_run["steps"]:
        artifacts = read(fleet, step["task_id"])["execution"]["artifacts"]
        assert ARTIFACT_FINGERPRINT in {item["key"] for item in artifacts}, step["name"]


def test_more_than_two_classes_are_predicted(fleet):
    done = run(
        fleet,
        *setting("Data/source", "builtin:iris"),
        *setting("Training/models", "ridge,catboost"),
    )
    assert {step["status"] for step in done["steps"]} == {"completed"}


@pytest.fixture
def flats(tmp_path) -> Path:
    """A table as people have them: an id, dates of their own, prose, gaps, a stray column."""
    random = np.random.default_rng(7)
    rows = 600
    size = random.normal(70, 20, rows).clip(20)
    city = random.choice(["神戸", "Oslo", "Lima", "Genève"], rows, p=[0.4, 0.3, 0.2, 0.1])
    words = np.array(["bright", "quiet", "garden", "renovated", "central", "old", "view"])
    frame = pd.DataFrame(
        {
            "flat_id": np.arange(10_000, 10_000 + rows),
            "size m²": size.round(1),
            "都市": city,
            "street": [f"street {number}" for number in random.integers(0, 150, rows)],
            "sold": pd.date_range("2019-01-01", periods=rows).strftime("%d/%m/%Y"),
            "notes": [" ".join(random.choice(words, 4)) for _ in range(rows)],
            "agency": "Fjord",
            "empty": np.nan,
            "rooms": random.integers(1, 7, rows).astype(float),
            "price": (size * 3 + (city == "Oslo") * 60 + random.normal(0, 8, rows)).round(2),
        }
    )
    for position, column in enumerate(["size m²", "都市", "sold", "notes", "rooms"]):
        frame.loc[position::23, column] = np.nan
    frame = pd.concat([frame, frame.head(12)], ignore_index=True)
    path = tmp_path / "flats.csv"
    frame.to_csv(path, index=False)
    return path


def test_a_users_own_dirty_file_is_edited_learned_from_and_predicted(fleet, flats):
    edits = [
        {"do": "rename", "columns": {"size m²": "size"}},
        {"do": "drop_duplicates"},
        {"do": "derive", "column": "size_per_room", "formula": "size / rooms"},
    ]
    record = {
        "size": 80,
        "都市": "Oslo",
        "street": "street 3",
        "sold": "2020-05-01",
        "notes": "bright garden",
        "rooms": 3,
        "size_per_room": 26.7,
    }
    done = run(
        fleet,
        "--file",
        str(flats),
        *setting("Data/target", "price"),
        *setting("Data/edits", edits),
        *setting("Training/models", "ridge,lightgbm"),
        *setting("Inference/record", record),
        *setting("Inference/optimize", {"Goal/direction": "maximize", "Search/trials": 40}),
    )

    by_phase = {step["phase"]: step for step in done["steps"]}
    assert {step["status"] for step in done["steps"]} == {"completed"}
    assert {"data-editing", "inference-single", "inference-optimize"} <= set(by_phase)
    assert by_phase["data-editing"]["result"] == "600 rows"
    page = Path(fleet.result("report", done["run_id"])["report"]).read_text()
    for told in ("flat_id", "agency", "都市"):
        assert told in page


@pytest.fixture(scope="module")
def second_node(fleet) -> Iterator[None]:
    """Another node, the only one that takes work, whose tasks may have 1.2 GiB each."""
    inventory = STATE / "e2e-workflow-inventory"
    shutil.rmtree(inventory, ignore_errors=True)
    shutil.copytree(REPOSITORY / "inventories" / "local", inventory)
    hosts = inventory / "hosts.yml"
    line = (
        f"        {SECOND}:\n"
        "          fleet_overrides: {cpu_nodes: {limits: {memory: 1200MiB}}}\n"
    )
    text = hosts.read_text()
    hosts.write_text(text.replace(f"        {FIRST}:\n", f"        {FIRST}:\n{line}"))
    options = ("-i", str(inventory))
    _play(fleet, *options, "site.yml", "--limit", SECOND)
    _play(fleet, *options, "drain.yml", "--limit", FIRST)
    try:
        yield
    finally:
        _play(fleet, *options, "undrain.yml", "--limit", FIRST)
        shutil.rmtree(inventory)
        pruned = fleet.cli("local", "nodes", "--prune")
    assert pruned.returncode == 0, pruned.stderr


def test_the_same_run_on_another_node_gives_the_same_to_the_last_bit(fleet, first_run, second_node):
    again = run(fleet, *_REPEATED)
    nodes = [
        {step["node"] for step in one["steps"] if step["queue"].startswith("cpu-")}
        for one in (first_run, again)
    ]
    assert nodes == [{FIRST}, {SECOND}]
    done = fleet.cli("diff", first_run["run_id"], again["run_id"])
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_seed_is_a_difference_that_is_named(fleet, first_run, second_node):
    other = run(
        fleet, *_REPEATED[:2], *setting("Training/models", "ridge"), *setting("Split/seed", "1")
    )
    done = fleet.cli("diff", first_run["run_id"], other["run_id"])
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Split/seed" in done.stdout


def test_killed_impossible_and_too_large_models_are_named_and_the_rest_is_recommended(
    fleet, tmp_path, second_node
):
    """Three models fail, each in a way of its own; the summary is there and chooses among two."""
    random = np.random.default_rng(3)
    table = pd.DataFrame(random.normal(size=(20_000, 6)), columns=list("abcdef"))
    table["y"] = table["a"] * 2 + random.normal(size=len(table))
    file = tmp_path / "noise.csv"
    table.to_csv(file, index=False)
    own = {
        "ridge": {"alpha": -1},
        "random_forest": {"n_estimators": 4000, "min_samples_leaf": 1},
        "hist_gradient_boosting": {"max_iter": 10_000},
    }
    started = fleet.result(
        "run",
        "pipeline",
        "--file",
        str(file),
        *setting("Data/target", "y"),
        *setting("Training/models", "ridge,random_forest,hist_gradient_boosting,lightgbm,xgboost"),
        *setting("Training/parameters", own),
    )
    task = _running_training(fleet, started["run_id"], "hist_gradient_boosting")
    _kill_container(fleet, task)
    until(lambda: _has_ended(fleet, started["run_id"]), "the end of the run", float(_SECONDS))

    report = fleet.result("report", started["run_id"])
    failed = {one["model"]: one["class"] for one in report["summary"]["failed"]}
    assert failed == {
        "ridge": "override",
        "random_forest": "resource",
        "hist_gradient_boosting": "resource",
    }
    assert {row["model"] for row in report["summary"]["leaderboard"]} == {"lightgbm", "xgboost"}
    assert report["summary"]["best"]["model"] in {"lightgbm", "xgboost"}
    assert fleet.result("show", started["run_id"])["status"] == "completed"


def test_a_run_in_which_every_model_fails_says_why_in_one_place(fleet):
    done = fleet.cli(
        "run",
        "pipeline",
        *setting("Training/models", "ridge"),
        *setting("Training/parameters", {"ridge": {"alpha": -1}}),
        "--wait",
        "--json",
        "--timeout",
        _SECONDS,
        timeout=540,
    )
    assert done.returncode == 1
    shown = json.loads(done.stdout)
    assert shown["status"] == "failed"
    summary = read(fleet, shown["training_summary"])
    assert summary["status"] == "failed"
    properties = summary["hyperparams"]["properties"]
    assert properties[PROPERTY_FAILURE_CLASS]["value"] == "override"
    (controller,) = [step for step in shown["steps"] if step["phase"] == "pipeline"]
    for said in (properties["failure"]["value"], controller["failure"]):
        assert "ridge" in said
        assert "alpha" in said


def _running_training(fleet, run_id: str, model: str) -> str:
    """The task of a model, once its container runs."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        for step in fleet.result("show", run_id)["steps"]:
            if step["phase"] != "training" or step["status"] != "in_progress":
                continue
            properties = read(fleet, step["task_id"])["hyperparams"].get("properties", {})
            if properties.get(PROPERTY_MODEL, {}).get("value") == model:
                return step["task_id"]
        time.sleep(1)
    pytest.fail(f"no training of {model} began")


def _kill_container(fleet, task: str) -> None:
    node = read(fleet, task)["last_worker"].partition(":")[0]

    def killed() -> bool:
        ids = fleet.on_node(node, "docker", "ps", "--quiet", "--filter", f"name={task}").split()
        if ids:
            fleet.on_node(node, "docker", "kill", *ids)
        return bool(ids)

    until(killed, f"the container of {task}", 30)


def _has_ended(fleet, run_id: str) -> bool:
    return fleet.result("show", run_id)["status"] in ("completed", "failed", "stopped")


def _play(fleet, *arguments: str) -> None:
    done = fleet.playbook(*arguments)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
