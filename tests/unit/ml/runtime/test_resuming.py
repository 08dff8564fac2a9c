"""What a controller that was cut does with the steps that it made before."""

from types import SimpleNamespace

import pytest
from clearml import PipelineController, Task
from fleet_agent import put_back

from ml.runtime import controller
from ml.runtime import conventions as names
from ml.runtime.resuming import ResumingController, was_put_back

Node = PipelineController.Node


@pytest.fixture
def make(monkeypatch):
    """A controller after the SDK has read its plan: nodes, tasks by id, what it was told."""

    def made(nodes, tasks, known, is_put_back=True):
        for task_id, task in tasks.items():
            task.id, task.task_type = task_id, "training"

        def get_task(task_id):
            if task_id not in tasks:
                raise ValueError("gone")
            return tasks[task_id]

        def read_plan(self, dress):
            self._nodes = {node.name: node for node in nodes}
            self._experiment_created_cb = dress

        monkeypatch.setattr(Task, "get_task", get_task)
        monkeypatch.setattr(PipelineController, "__init__", lambda self: None)
        monkeypatch.setattr(PipelineController, "_prepare_pipeline", read_plan)
        pipeline = ResumingController(known=known, is_put_back=is_put_back)
        pipeline._running_nodes = []
        pipeline.launched, pipeline.dressed, pipeline.enqueued = [], [], []
        pipeline._launch_node = lambda node: pipeline.launched.append(node.name)
        pipeline.update_execution_plot = lambda: None

        def enqueue(task, queue_name):
            pipeline.enqueued.append((task.id, queue_name))

        monkeypatch.setattr(Task, "enqueue", enqueue)
        pipeline._prepare_pipeline(lambda _self, node, _given: pipeline.dressed.append(node.name))
        return pipeline

    return made


class MadeTask(Task):
    """A task without a server."""

    id = status = task_type = ""

    def __init__(self, status, parameters):
        self.status = status
        self.get_parameters = lambda: parameters


def task(status, **parameters):
    return MadeTask(status, parameters)


def taken_up(pipeline, name):
    job = pipeline.get_pipeline_dag()[name].job
    return job.task_id() if job else None


@pytest.mark.parametrize("status", ["queued", "in_progress", "completed", "failed", "stopped"])
def test_a_step_that_was_made_before_a_put_back_is_taken_up_whatever_became_of_it(make, status):
    pipeline = make([Node(name="a")], {"1": task(status)}, {"1": "a"})
    assert taken_up(pipeline, "a") == "1"
    assert list(pipeline.get_running_nodes()) == ["a"]
    assert pipeline.launched == pipeline.enqueued == []


def test_a_step_that_the_controller_saw_end_is_over_and_still_names_its_task(make):
    pipeline = make([Node(name="a", executed="1")], {"1": task("failed")}, {"1": "a"})
    assert taken_up(pipeline, "a") == "1"
    assert list(pipeline.get_running_nodes()) == []
    assert pipeline.launched == []


@pytest.mark.parametrize("status", ["failed", "stopped"])
def test_where_a_person_lets_it_go_on_what_failed_is_made_anew(make, status):
    pipeline = make([Node(name="a")], {"1": task(status)}, {"1": "a"}, is_put_back=False)
    assert taken_up(pipeline, "a") is None
    assert pipeline.launched == ["a"]


def test_where_a_person_lets_it_go_on_what_runs_is_taken_up(make):
    pipeline = make([Node(name="a")], {"1": task("in_progress")}, {"1": "a"}, is_put_back=False)
    assert taken_up(pipeline, "a") == "1"


def test_of_a_step_that_was_made_twice_the_last_counts(make):
    tasks = {"1": task("failed"), "2": task("queued")}
    pipeline = make([Node(name="a")], tasks, {"1": "a", "2": "a"})
    assert taken_up(pipeline, "a") == "2"


def test_what_was_named_and_not_enqueued_yet_is_dressed_and_enqueued(make):
    pipeline = make([Node(name="a", queue="q")], {"1": task("created")}, {"1": "a"})
    assert pipeline.dressed == ["a"]
    assert pipeline.enqueued == [("1", "q")]
    assert list(pipeline.get_running_nodes()) == ["a"]


def test_a_draft_that_an_agent_is_putting_back_is_left_to_it(make):
    draft = task("created", **{"properties/put_back": "1 times"})
    pipeline = make([Node(name="a", queue="q")], {"1": draft}, {"1": "a"})
    assert pipeline.enqueued == []
    assert list(pipeline.get_running_nodes()) == ["a"]


def test_what_was_due_and_not_made_is_made_without_waiting_for_what_runs(make):
    nodes = [
        Node(name="first", executed="1"),
        Node(name="second", parents=["first"]),
        Node(name="third", parents=["first"]),
        Node(name="last", parents=["second", "third"]),
    ]
    tasks = {"1": task("completed"), "2": task("in_progress")}
    pipeline = make(nodes, tasks, {"1": "first", "2": "second"})
    assert pipeline.launched == ["third"]


def test_a_step_whose_task_was_deleted_is_made_anew(make):
    pipeline = make([Node(name="a")], {}, {"1": "a"})
    assert pipeline.launched == ["a"]


def test_a_new_controller_is_left_to_the_sdk(make):
    assert make([Node(name="a")], {}, {}).launched == []


def test_the_id_of_a_step_that_ended_before_the_cut_is_known_without_its_job():
    assert controller._task_of(Node(name="a", executed="1")) == "1"
    assert controller._task_of(Node(name="a", executed=False)) is None
    assert controller._task_of(Node(name="a")) is None


def test_a_put_back_is_told_once_and_not_of_a_clones_source():
    kept = {}
    own = SimpleNamespace(id="c", put_back="task c: lost 0 times, …", runtime=kept)
    controllers = SimpleNamespace(_set_runtime_properties=kept.update)
    assert was_put_back(controllers, own)
    assert not was_put_back(controllers, own)
    own.put_back = "task c: lost 1 times, …"
    assert was_put_back(controllers, own)
    own.put_back = "task other: lost 1 times, …"
    assert not was_put_back(controllers, own)
    own.put_back = ""
    assert not was_put_back(controllers, own)


def test_the_agent_writes_what_the_controller_reads():
    assert put_back.PROPERTY == names.PROPERTY_PUT_BACK
    assert put_back.REASON == names.REASON_PUT_BACK
    written = []

    def call(_endpoint, **data):
        written.append(data)
        return {}

    put_back._count(call, "c", 0, 1, "w: why")
    (item,) = written[0]["hyperparams"]
    own = SimpleNamespace(id="c", put_back=item["description"], runtime={})
    assert was_put_back(SimpleNamespace(_set_runtime_properties=lambda _: None), own)
