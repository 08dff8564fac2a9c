"""What the worker changes of the agent's own `docker run`."""

from clearml_agent.commands import Worker
from fleet_agent.task_start import QuickStart
from fleet_agent.task_user import TaskUser
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
