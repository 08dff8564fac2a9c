"""The clients of the engine that stand for a task's container, and what they print."""

import subprocess

import pytest
from fleet_agent import task_process
from fleet_agent.engine import ContainerState
from fleet_agent.task_process import ContainerProcess, TaskCommand


@pytest.fixture
def alive(monkeypatch):
    """An engine whose containers all run; its client knows of no logs."""
    monkeypatch.setattr(task_process, "read_container", lambda _name: ContainerState("running"))
    monkeypatch.setattr(task_process, "_FOLLOW", "true")


def test_each_client_of_a_task_that_was_taken_up_is_watched_for_its_end(alive):
    watched = []
    command = TaskCommand([], lambda: None, watched.append, container="c1")
    process = command.call_subprocess(subprocess.Popen)
    assert [client.pid for client in watched] == [process.pid]

    watched[0].wait(20)
    assert process.poll() is None  # the container runs: another client follows it

    assert len(watched) == 2
    assert process.pid == watched[1].pid
    watched[1].wait(20)


def test_what_nobody_reads_any_more_is_not_kept(tmp_path):
    printed = tmp_path / "printed"
    with printed.open("at") as output:
        command = ["sh", "-c", "echo one; read x; echo two; read x"]
        client = subprocess.Popen(command, stdout=output, stdin=subprocess.PIPE)
        process = ContainerProcess("c1", client, lambda: None, lambda _client: None, output)
        wait_for_text(printed, "one\n")
        process.poll()
        assert process.forwarded() == len("one\n")

        process.discard_output()
        process.poll()

        assert printed.read_text() == ""
        client.stdin.write(b"\n")
        client.stdin.flush()
        wait_for_text(printed, "two\n")  # and no hole before it
        process.poll()
        assert printed.read_text() == ""
        assert process.forwarded() == len("one\n")
        client.communicate(timeout=20)


def wait_for_text(file, text):
    command = ["timeout", "20", "sh", "-c", 'until [ -s "$0" ]; do sleep 0.01; done', str(file)]
    subprocess.run(command, check=True)
    assert file.read_text() == text
