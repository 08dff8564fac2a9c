"""What the worker changes of the stock agent: its `docker run`, and when it asks for a task."""

import pytest
from clearml_agent.commands import Worker
from fleet_agent.asked import Asked
from fleet_agent.drain import Drain
from fleet_agent.health import Health
from fleet_agent.task_start import QuickStart
from fleet_agent.task_user import TaskUser
from fleet_agent.tasks import TaskWorker
from fleet_agent.wishes import Wishes
from fleet_agent.worker import FleetWorker


def test_a_tasks_own_set_up_script_does_not_run(monkeypatch):
    given = {}

    def command(self, **kwargs):
        given.update(kwargs)
        return ["docker", "run", "image", "bash", "-c", "true"]

    monkeypatch.setattr(Worker, "_get_docker_cmd", command)
    worker = object.__new__(FleetWorker)
    worker._quick_start = QuickStart(None)
    worker._task_user = TaskUser("", None)
    worker._get_docker_cmd(docker_image="image", docker_bash_setup_script="pip install x")
    assert given["docker_image"] == "image"
    assert given["docker_bash_setup_script"] is None
    assert given["standalone_mode"] is True


@pytest.fixture
def roomy(tmp_path):
    """A worker whose node has two folders that tasks need."""
    (tmp_path / "a file").touch()
    worker = object.__new__(FleetWorker)
    worker._lacks = ""
    worker._rooms = [tmp_path / "keep", tmp_path]
    worker._drain = Drain()
    worker._wishes = Wishes(None)
    return worker


def is_active(worker, monkeypatch):
    monkeypatch.setattr(Worker, "should_be_currently_active", lambda *_: True)
    return worker.should_be_currently_active({"waiting": True}, {})


def test_a_task_is_asked_for_where_it_can_be_written_down(roomy, monkeypatch):
    assert is_active(roomy, monkeypatch)
    assert list(roomy._rooms[0].iterdir()) == []


def test_none_is_asked_for_where_nothing_can_be_written(roomy, monkeypatch, capsys, tmp_path):
    roomy._rooms.append(tmp_path / "a file" / "below it")
    assert not is_active(roomy, monkeypatch)
    assert not is_active(roomy, monkeypatch)
    assert capsys.readouterr().out.count("No task is taken: ") == 1

    roomy._rooms.pop()
    assert is_active(roomy, monkeypatch)
    assert "room for tasks again" in capsys.readouterr().out


def test_an_agent_on_a_full_disk_polls_and_is_not_well(roomy, monkeypatch, tmp_path):
    class Answer:
        ok = True

        @staticmethod
        def json():
            return {"data": {"queues": [{"id": "q"}]}}

    class Session:
        @staticmethod
        def send_request(**_):
            return Answer

    for name in ("_let_go", "_take_up", "_run_handed", "_say_state", "get_runtime_properties"):
        monkeypatch.setattr(roomy, name, lambda *_: None, raising=False)
    roomy._session = Session
    roomy._health = Health(tmp_path / "state")
    polled = tmp_path / "state" / "polled"
    roomy._rooms.append(tmp_path / "a file" / "below it")
    assert not is_active(roomy, monkeypatch)
    roomy.get_worker_properties(["q"])
    assert not polled.exists()

    roomy._rooms.pop()
    roomy.get_worker_properties(["q"])
    assert polled.exists()


def test_an_answer_that_is_none_does_not_keep_a_task_from_running(monkeypatch):
    worker = object.__new__(FleetWorker)
    worker.docker_image_func = print
    monkeypatch.setattr(worker, "_read_task", lambda *_: {"container": ["not", "one"]})
    monkeypatch.setattr(worker, "_asked", Asked(), raising=False)
    worker._docker_image = "image"
    monkeypatch.setattr(TaskWorker, "run_one_task", lambda *_: "it ran")
    assert worker.run_one_task("q", "t1") == "it ran"
