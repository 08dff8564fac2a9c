"""What the controller refuses before it starts anything, and how it refers to earlier steps."""

from types import SimpleNamespace

import pytest

from ml.catalog import PHASES
from ml.pipeline import PlannedStep, Reference, plan
from ml.runtime import controller
from ml.runtime.errors import UserError
from ml.runtime.origin import StepList
from ml.runtime.routing import Routing

ROUTING = Routing(
    queues={phase: ["gpu-all" if phase == "training" else "cpu-all"] for phase in PHASES},
    accelerators={"cpu-all": "cpu", "gpu-all": "gpu"},
    images={"cuda": "registry/cuda@sha256:2"},
    queue_images={"gpu-all": "cuda"},
)
PLAN = plan(PHASES["pipeline"].parameters(), "r1")


class Server:
    def __init__(self, templates=PHASES, polled=("cpu-all", "gpu-all")):
        self._templates = {phase: f"template-{phase}" for phase in templates}
        self._polled = set(polled)
        self.edits = {}

    def templates(self, channel):
        return self._templates

    def polled_queues(self):
        return self._polled

    def edit_task(self, task_id, **changes):
        self.edits[task_id] = changes


def test_a_phase_without_a_template_is_told_at_once():
    with pytest.raises(UserError, match="no template for: inference-batch, training") as caught:
        controller.run_plan(
            PLAN, "r1", ROUTING, Server(set(PHASES) - {"training", "inference-batch"}), None
        )
    assert "fleet template publish" in caught.value.mend


def test_a_queue_without_a_live_agent_is_told_at_once():
    with pytest.raises(UserError, match=r"no live agent polls: gpu-all \(needed by training-ridge"):
        controller.run_plan(
            PLAN, "r1", ROUTING, Server(polled=["cpu-all"]), StepList(None, "c", {})
        )


def test_a_run_that_has_begun_waits_for_an_agent(monkeypatch):
    class TakenUpError(Exception):
        pass

    def take_up(**given):
        raise TakenUpError(given["known"])

    monkeypatch.setattr(controller, "ResumingController", take_up)
    steps = StepList(None, "c", {"1": "preprocessing"})
    with pytest.raises(TakenUpError, match="preprocessing"):
        controller.run_plan(PLAN, "r1", ROUTING, Server(polled=[]), steps)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        (Reference("preprocessing"), "${preprocessing.id}"),
        (
            Reference("data-registration", "dataset_id"),
            "${data-registration.parameters.properties/dataset_id}",
        ),
    ],
)
def test_references_are_written_as_the_sdk_reads_them(value, text):
    assert controller._text(value) == text


def test_a_step_gets_its_name_its_tags_its_run_and_the_image_of_its_queue():
    given = {}
    task = SimpleNamespace(
        id="t1",
        get_tags=lambda: ["template", "phase:training", "channel:stable"],
        data=SimpleNamespace(container={"image": "registry/cpu@sha256:1", "arguments": "--shm 1g"}),
        set_user_properties=lambda **properties: given.update(properties),
    )
    node = SimpleNamespace(queue="gpu-all", job=SimpleNamespace(task=task))
    step = PlannedStep(name="training-mlp", phase="training", detail="mlp")
    server = Server()
    controller._dress(node, step, "r1", ROUTING, server)
    assert server.edits["t1"] == {
        "name": "training mlp r1",
        "tags": ["phase:training", "run:r1"],
        "container": {"image": "registry/cuda@sha256:2", "arguments": "--shm 1g"},
    }
    assert given == {"run_id": "r1", "model": "mlp"}
