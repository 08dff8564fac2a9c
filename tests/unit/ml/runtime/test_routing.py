import pytest

from ml.runtime.errors import UserError
from ml.runtime.guard import check_queue
from ml.runtime.routing import Routing, read_routing

ROUTING = {
    "channel": "stable",
    "queues": {"training": ["cpu-train", "gpu-train"], "inference-batch": ["gpu-infer"]},
    "accelerators": {"cpu-train": "cpu", "gpu-train": "gpu", "gpu-infer": "gpu"},
    "images": {"cpu": "registry/cpu@sha256:1", "cuda": "registry/cuda@sha256:2"},
    "queue_images": {"cpu-train": "cpu", "gpu-train": "cuda", "gpu-infer": "cuda"},
}


@pytest.mark.parametrize(
    ("phase", "accelerator", "queue"),
    [
        ("training", "cpu", "cpu-train"),
        ("training", "gpu", "gpu-train"),
        ("inference-batch", "cpu", "gpu-infer"),
    ],
)
def test_a_step_goes_to_the_first_queue_that_offers_what_it_needs(phase, accelerator, queue):
    assert Routing(**ROUTING).queue_for(phase, accelerator) == queue


def test_a_gpu_model_goes_to_a_cpu_queue_where_there_is_no_other():
    routing = Routing(queues={"training": ["cpu-train"]}, accelerators={"cpu-train": "cpu"})
    assert routing.queue_for("training", "gpu") == "cpu-train"


def test_a_phase_without_a_queue_is_told():
    with pytest.raises(UserError, match="no queue takes the phase preprocessing"):
        Routing(**ROUTING).queue_for("preprocessing", "cpu")


def test_a_queue_has_its_image():
    routing = Routing(**ROUTING)
    assert routing.image_for("gpu-train") == "registry/cuda@sha256:2"
    assert routing.image_for("other") == ""


def test_a_task_without_routing_is_told():
    with pytest.raises(UserError, match="carries no configuration object 'routing'"):
        read_routing(None, "t1")


def test_wrong_routing_is_told_with_the_place():
    with pytest.raises(UserError, match=r"wrong at queues\.training"):
        read_routing({"queues": {"training": "cpu-train"}}, "t1")


def test_the_guard_lets_a_phase_run_on_its_queues():
    assert check_queue(Routing(**ROUTING), "training", "gpu-train", "t1") is None


def test_the_guard_refuses_another_queue():
    with pytest.raises(UserError, match="does not run on the queue 'gpu-infer'") as caught:
        check_queue(Routing(**ROUTING), "training", "gpu-infer", "t1")
    assert caught.value.mend == "enqueue it on cpu-train or gpu-train"
    assert caught.value.failure_class == "queue"


def test_the_policy_free_lets_a_phase_run_on_any_declared_queue():
    routing = Routing(**ROUTING, queue_choice="free")
    assert check_queue(routing, "training", "gpu-infer", "t1") is None
    with pytest.raises(UserError):
        check_queue(routing, "training", "unheard-of", "t1")
