"""The real agent in docker mode on this machine's engine: its tasks outlive it.

What a restart of the engine does to the agent is that the client that it watches dies while the
container lives on; that is what the test of it does.
"""

import os
import signal
import subprocess

import psutil
import pytest

from fleet.images import build
from tests.contract.agent.conftest import WORKER, server, start_agent
from tests.contract.agent.conftest import wait_for as wait_seconds
from tests.contract.agent.test_handover import state
from tests.contract.agent.test_put_back import begun, found, log, records, signal_again, waiting

# Fixtures of the contract tests, taken over.
__all__ = ["server", "start_agent"]
# A container takes its time on a machine that is busy.
PATIENCE = 120

TALKS = """
import pathlib, time
folder = pathlib.Path({folder!r})
with (folder / "began").open("a") as file:
    file.write("x")
number = 0
while not (folder / "go").exists():
    number += 1
    print(f"line-{{number}}.", flush=True)
    time.sleep(0.2)
print("the last line.", flush=True)
raise SystemExit({code})
"""


def wait_for(condition):
    return wait_seconds(condition, seconds=PATIENCE)


def docker(*words, check=True):
    done = subprocess.run(
        ["docker", *words], capture_output=True, text=True, timeout=60, check=check
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image(fleet):
    """The image that all task images stand on; the fleet's being up means that the engine runs."""
    return build(["common"], echo=print)["common"].image_id


@pytest.fixture
def start(start_agent, image, tmp_path):
    """Start an agent in docker mode; no container of its tasks is left behind."""
    environment = {
        "FLEET_AGENT_KEEP": str(tmp_path / "keep"),
        "CLEARML_AGENT_DOCKER_HOST_MOUNT": f"{tmp_path}:{tmp_path}",
        "CLEARML_AGENT_EXTRA_DOCKER_ARGS": f"--network=host --volume={tmp_path}:{tmp_path}",
    }
    with (tmp_path / "agent.conf").open("a") as config:
        config.write('agent { docker_container_name_format: "test-{task_id}-{rand_string:.8}" }\n')
    yield lambda *options: start_agent("cpu-train", "--docker", image, *options, **environment)
    left = docker("ps", "--all", "--quiet", "--filter", f"volume={tmp_path}").split()
    if left:
        docker("rm", "--force", *left)


def containers(task):
    listed = docker("ps", "--all", "--format", "{{.Names}}", "--filter", f"name=test-{task}")
    return listed.split()


def kill_with_clients(agent):
    """As a node kills an agent's container: everything in it at once."""
    family = [agent.pid, *(one.pid for one in psutil.Process(agent.pid).children(recursive=True))]
    for pid in family:
        os.kill(pid, signal.SIGKILL)
    agent.wait(10)


def lines(text):
    return [word for word in text.replace("\r", "").split() if word.startswith("line-")]


def assert_each_line_once(text):
    said = lines(text)
    assert said
    assert said == [f"line-{number}." for number in range(1, len(said) + 1)]


@pytest.mark.parametrize(("code", "status"), [(0, "completed"), (3, "failed")])
def test_a_task_whose_agent_was_killed_is_taken_up_by_the_next_one(
    server, start, tmp_path, code, status
):
    task = server.enqueue(TALKS.format(folder=str(tmp_path), code=code))
    agent = start()
    wait_for(lambda: begun(tmp_path) == 1)
    wait_for(lambda: "line-3." in log(server, task))
    kill_with_clients(agent)
    start()
    wait_for(lambda: "taken up again" in log(server, task))
    (tmp_path / "go").touch()

    wait_for(lambda: server.status(task) == status)
    assert begun(tmp_path) == 1
    assert "the last line." in log(server, task)
    said = lines(log(server, task))
    assert sorted(set(said), key=said.index) == [f"line-{n + 1}." for n in range(len(set(said)))]
    wait_for(lambda: containers(task) == [] and records(tmp_path) == [])


def test_a_task_that_ended_while_there_was_no_agent_keeps_its_end(server, start, tmp_path):
    task = server.enqueue(TALKS.format(folder=str(tmp_path), code=4))
    agent = start()
    wait_for(lambda: begun(tmp_path) == 1)
    kill_with_clients(agent)
    (tmp_path / "go").touch()
    wait_for(
        lambda: docker("inspect", "--format", "{{.State.Status}}", *containers(task)) == "exited"
    )
    assert server.status(task) == "in_progress"

    start()

    wait_for(lambda: server.status(task) == "failed")
    assert "exit code 4" in found(server, task)["status_reason"]
    assert "the last line." in log(server, task)
    wait_for(lambda: containers(task) == [] and records(tmp_path) == [])


def test_a_task_whose_container_died_with_its_agent_is_put_back(server, start, tmp_path):
    task = server.enqueue(TALKS.format(folder=str(tmp_path), code=0))
    agent = start()
    wait_for(lambda: begun(tmp_path) == 1)
    kill_with_clients(agent)
    docker("kill", *containers(task))
    (tmp_path / "go").touch()

    start()

    wait_for(lambda: server.status(task) == "completed")
    assert begun(tmp_path) == 2
    assert "its container was gone" in log(server, task)
    wait_for(lambda: containers(task) == [] and records(tmp_path) == [])


def test_a_client_that_dies_while_the_container_lives_is_followed_by_another(
    server, start, tmp_path
):
    task = server.enqueue(TALKS.format(folder=str(tmp_path), code=0))
    agent = start()
    wait_for(lambda: begun(tmp_path) == 1)
    wait_for(lambda: "line-3." in log(server, task))
    (client,) = [
        one
        for one in psutil.Process(agent.pid).children()
        if one.cmdline()[:2] == ["docker", "run"]
    ]
    client.kill()
    wait_for(lambda: "still runs" in agent.log.read_text())
    (tmp_path / "go").touch()

    wait_for(lambda: server.status(task) == "completed")
    text = log(server, task)
    assert_each_line_once(text)
    assert "the last line." in text
    wait_for(lambda: containers(task) == [])


def test_what_is_put_back_leaves_no_container(server, start, tmp_path):
    task = server.enqueue(TALKS.format(folder=str(tmp_path), code=0))
    agent = start()
    wait_for(lambda: begun(tmp_path) == 1)
    agent.terminate()
    signal_again(agent)

    assert agent.wait(30) == 0, agent.log.read_text()
    assert waiting(server) == [task]
    assert containers(task) == []
    assert records(tmp_path) == []


def test_a_task_that_a_person_aborts_leaves_no_container(server, start, tmp_path):
    task = server.enqueue(TALKS.format(folder=str(tmp_path), code=0))
    start()
    wait_for(lambda: begun(tmp_path) == 1)
    server.call("tasks.stop", task=task)

    wait_for(lambda: server.status(task) == "stopped")
    wait_for(lambda: containers(task) == [] and records(tmp_path) == [])


def test_a_node_that_ends_task_and_agent_at_once_has_the_task_put_back(server, start, tmp_path):
    task = server.enqueue(TALKS.format(folder=str(tmp_path), code=0))
    agent = start()
    wait_for(lambda: begun(tmp_path) == 1)
    docker("kill", *containers(task))
    agent.terminate()

    assert agent.wait(30) == 0, agent.log.read_text()
    assert waiting(server) == [task]
    assert "going down" in log(server, task)


def test_a_task_that_is_killed_on_a_node_that_stays_has_failed(server, start, tmp_path):
    task = server.enqueue(TALKS.format(folder=str(tmp_path), code=0))
    start()
    wait_for(lambda: begun(tmp_path) == 1)
    docker("kill", *containers(task))

    wait_for(lambda: server.status(task) == "failed")
    wait_for(lambda: containers(task) == [])


def test_a_services_agent_hands_its_slot_over_and_stays_with_its_services(server, start, tmp_path):
    places = [tmp_path / name for name in ("a", "b")]
    for place in places:
        place.mkdir()
    tasks = [server.enqueue(TALKS.format(folder=str(place), code=0)) for place in places]
    old = start("--services-mode")
    wait_for(lambda: [begun(place) for place in places] == [1, 1])
    wait_for(lambda: len(records(tmp_path)) == 2)
    new = start("--services-mode")
    wait_for(lambda: state(new) == "standing-by")
    old.terminate()

    wait_for(lambda: state(new) == "idle")
    third = server.enqueue("print('a third')")
    wait_for(lambda: server.status(third) == "completed")
    assert old.poll() is None
    assert server.tags(WORKER) == []
    (places[0] / "go").touch()
    wait_for(lambda: server.status(tasks[0]) == "completed")
    assert old.poll() is None
    old.terminate()
    assert old.wait(PATIENCE) == 0, old.log.read_text()

    wait_for(lambda: begun(places[1]) == 2)  # put back, and taken by the new agent
    (places[1] / "go").touch()
    wait_for(lambda: server.status(tasks[1]) == "completed")
    wait_for(lambda: not any(map(containers, [*tasks, third])) and records(tmp_path) == [])
    assert WORKER in server.workers()


def test_a_service_that_is_enqueued_anew_after_a_handover_runs_once(server, start, tmp_path):
    task = server.enqueue(TALKS.format(folder=str(tmp_path), code=0))
    old = start("--services-mode")
    wait_for(lambda: begun(tmp_path) == 1)
    wait_for(lambda: "Service bootstrap completed" in old.log.read_text())
    new = start("--services-mode")
    wait_for(lambda: state(new) == "standing-by")
    old.terminate()
    wait_for(lambda: state(new) == "idle")
    # So that it does not notice by itself that its task is another run's.
    (earlier,) = containers(task)
    docker("pause", earlier)

    server.call("tasks.reset", task=task, force=True)
    server.call("tasks.enqueue", task=task, queue_name="cpu-train")
    wait_for(lambda: begun(tmp_path) == 2)

    (later,) = containers(task)
    assert later != earlier
    assert old.wait(PATIENCE) == 0, old.log.read_text()
    assert len(copies(tmp_path)) == 1
    (tmp_path / "go").touch()
    wait_for(lambda: server.status(task) == "completed")
    wait_for(lambda: containers(task) == [] and records(tmp_path) == [] == copies(tmp_path))


def test_services_outlive_their_agent_and_the_next_one_tells_the_end_that_they_could_not(
    server, start, tmp_path
):
    task = server.enqueue(TALKS.format(folder=str(tmp_path), code=0))
    agent = start("--services-mode")
    wait_for(lambda: begun(tmp_path) == 1)
    wait_for(lambda: "Service bootstrap completed" in agent.log.read_text())
    # Neither the disk nor the memory of the node keeps what the service tells the server itself.
    wait_for(lambda: list((tmp_path / "keep" / "output").iterdir()) == [])
    assert len(copies(tmp_path)) == 1
    kill_with_clients(agent)
    again = start("--services-mode")
    wait_for(lambda: "taken up again" in log(server, task))
    docker("kill", *containers(task))

    wait_for(lambda: server.status(task) == "failed")
    wait_for(lambda: containers(task) == [] and records(tmp_path) == [])
    assert copies(tmp_path) == []
    again.terminate()
    assert again.wait(PATIENCE) == 0


def copies(folder):
    """The copies of the agent's configuration that containers of tasks see."""
    return list(folder.glob(".clearml_agent.*.cfg"))
