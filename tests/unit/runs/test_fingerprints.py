"""The fingerprints of a run as the server has them."""

from __future__ import annotations

import pytest

from fleet.errors import FleetError
from fleet.runs import fingerprints
from fleet.runs.fingerprints import read_fingerprints


def task(task_id, phase, status="completed", uri="", **properties):
    artifacts = [{"key": "fingerprint", "uri": uri}] if uri else []
    return {
        "id": task_id,
        "name": f"{phase} r1",
        "tags": [f"phase:{phase}", "run:r1"],
        "status": status,
        "created": f"2026-01-01T00:00:0{task_id}+00:00",
        "last_worker": "node-1:cpu:0",
        "hyperparams": {"properties": {name: {"value": v} for name, v in properties.items()}},
        "execution": {"artifacts": artifacts},
    }


class Server:
    """The answers that reading a run takes."""

    url = "http://server"

    def __init__(self, *tasks):
        self._tasks = tasks

    def tasks(self, **query):
        wanted = query.get("id")
        return [one for one in self._tasks if wanted is None or one["id"] in wanted]

    def queues(self):
        return []


@pytest.fixture(autouse=True)
def made(monkeypatch):
    """What lies at an artifact's address."""
    kept = {
        "u/ridge": {"parameters": {"Model/name": "ridge"}},
        "u/other": {"parameters": {"Model/name": "lightgbm"}},
        "u/none": {"parameters": {}},
    }
    monkeypatch.setattr(fingerprints, "read_json", kept.__getitem__)


def test_steps_are_named_by_phase_and_model_in_the_order_of_the_workflow():
    server = Server(
        task("1", "pipeline", uri="u/none"),
        task("2", "training-summary", uri="u/none"),
        task("3", "training", uri="u/other"),
        task("4", "training", uri="u/ridge"),
        task("5", "inference-batch", uri="u/none"),
        task("6", "inference-batch", uri="u/none"),
        task("7", "preprocessing", uri="u/none"),
    )
    run = read_fingerprints(server, "r1")
    assert [step.key for step in run.steps] == [
        "preprocessing",
        "training lightgbm",
        "training ridge",
        "training-summary",
        "inference-batch",
        "inference-batch #2",
        "pipeline",
    ]
    assert run.steps[0].node == "node-1"
    assert run.steps[2].fingerprint == {"parameters": {"Model/name": "ridge"}}


def test_a_step_without_a_fingerprint_is_there_and_a_draft_is_not():
    server = Server(
        task("1", "preprocessing", uri="u/none"),
        task("2", "training", status="failed", failure="no memory"),
        task("3", "training", status="created"),
        task("4", "pipeline"),
    )
    run = read_fingerprints(server, "r1")
    assert [step.key for step in run.steps] == ["preprocessing", "training", "pipeline"]
    assert run.steps[1].fingerprint is None
    assert run.steps[1].failure == "no memory"


def test_a_run_that_is_not_over_is_told():
    server = Server(task("1", "pipeline", status="in_progress"))
    with pytest.raises(FleetError, match="is not over: it is in_progress") as caught:
        read_fingerprints(server, "r1")
    assert caught.value.mend == "wait for it: fleet show r1"


def test_a_run_of_older_step_code_is_told():
    with pytest.raises(FleetError, match="no step of the run r1 has a fingerprint"):
        read_fingerprints(Server(task("1", "pipeline")), "r1")


def test_a_run_that_is_not_there_is_told():
    with pytest.raises(FleetError, match="there is no run 'r1'"):
        read_fingerprints(Server(), "r1")
