"""The real agent against the embedded server: work, failure, abort, pipelines, drain."""

from __future__ import annotations

import pytest

WAIT = """
import sys, time
from clearml import Task
from clearml.backend_api.session.client import APIClient

def wait(task, *statuses, seconds=90):
    for _ in range(seconds * 5):
        if task.get_status() in statuses:
            return task.get_status()
        time.sleep(0.2)
    raise SystemExit(f"{task.name} is still {task.get_status()}: "
                     + "".join(task.get_reported_console_output(100)))

def make(name, script="work.py"):
    return Task.create(project_name="contract/remote", task_name=name, repo=sys.argv[1],
                       commit=sys.argv[2], script=script, packages=[])

"""


@pytest.fixture(scope="module")
def agent(lab):
    """An agent on two queues in the order of their priority."""
    return lab.agent("contract:1", "--queue", "contract-high", "contract-low")


def run(lab, code: str, seconds: int = 180) -> str:
    return lab.python(WAIT + code, lab.remote, lab.commit, seconds=seconds)


def test_clones_are_executed_with_their_parameters(lab, agent):
    run(
        lab,
        """
base = make("base")
base.set_parameters({"Settings/x": 1, "Settings/fail": False})
tasks = []
for number, queue in enumerate(["contract-low", "contract-high"]):
    task = Task.clone(base, name=f"clone {number}")
    task.set_parameters({"Settings/x": 40 + number})
    tasks.append(task)
for task, queue in zip(tasks, ["contract-low", "contract-high"]):
    Task.enqueue(task, queue_name=queue)
for number, task in enumerate(tasks):
    assert wait(task, "completed", "failed") == "completed"
    task.reload()
    assert task.artifacts["result"].get() == {"x": 40 + number}
    assert task.data.last_worker == "contract:1"
    assert task.data.status_reason == "worker execution done"
    assert f"x is {40 + number}" in "".join(task.get_reported_console_output(100))
(worker,) = APIClient().workers.get_all(last_seen=90)
assert [queue.name for queue in worker.queues] == ["contract-high", "contract-low"]
""",
    )


def test_a_failure_names_its_exit_code(lab, agent):
    run(
        lab,
        """
task = make("failing")
task.set_parameters({"Settings/fail": True})
Task.enqueue(task, queue_name="contract-high")
assert wait(task, "completed", "failed") == "failed"
task.reload()
assert task.data.status_reason == "worker execution exit code 3", task.data.status_reason
""",
    )


def test_a_worker_that_is_told_to_rest_pulls_nothing(lab, agent):
    run(
        lab,
        """
client = APIClient()
def force(value):
    client.session.send_request("workers", "set_runtime_properties", method="post", json={
        "worker": "contract:1", "runtime_properties": [{"key": "force", "value": value}]})
force("off")
time.sleep(1.5)
task = make("resting")
Task.enqueue(task, queue_name="contract-high")
time.sleep(3)
assert task.get_status() == "queued"
Task.dequeue(task)
force("on")
""",
    )


def test_abort(lab, agent):
    run(
        lab,
        """
task = Task.create(project_name="contract/remote", task_name="endless", packages=[])
task.update_task({"script": {"diff": "import time\\nprint('running', flush=True)\\ntime.sleep(99)",
                             "entry_point": "endless.py", "working_dir": ".",
                             "binary": "python3"}})
Task.enqueue(task, queue_name="contract-high")
wait(task, "in_progress")
for _ in range(100):
    if "running" in "".join(task.get_reported_console_output(50)).split("Starting Task")[-1]:
        break
    time.sleep(0.2)
APIClient().tasks.stop(task=task.id)
task.reload()
assert (task.status, task.data.status_message) == ("in_progress", "stopping")
assert wait(task, "stopped") == "stopped"
""",
    )


def test_a_pipeline_of_two_steps(lab, agent):
    output = run(
        lab,
        """
from clearml import PipelineController
base = make("a step")
base.set_parameters({"Settings/x": 1})
pipe = PipelineController(name="two steps", project="contract/pipelines", version="1.0")
pipe.set_default_execution_queue("contract-high")
pipe.add_step(name="first", base_task_id=base.id, parameter_override={"Settings/x": 5})
pipe.add_step(name="second", base_task_id=base.id, parents=["first"],
              parameter_override={"Settings/x": "${first.parameters.Settings/x}"})
pipe._pool_frequency = 0.02
pipe.start_locally()
steps = {name: node.job.task for name, node in pipe.get_processed_nodes() and pipe._nodes.items()}
for step in steps.values():
    step.reload()
    assert step.get_status() == "completed", step.get_status()
    assert step.artifacts["result"].get() == {"x": 5}
    assert step.parent == pipe.task.id
print("steps", sorted(steps))
""",
        seconds=240,
    )
    assert "steps ['first', 'second']" in output


def test_term_stops_the_agent_and_its_task(lab, agent):
    """It comes last: the agent is gone afterwards."""
    agent.terminate()
    agent.wait(timeout=20)
    lab.python("""
        from clearml.backend_api.session.client import APIClient
        assert len(APIClient().workers.get_all()) == 0
    """)
