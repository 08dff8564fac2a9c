"""SIGTERM drains the real agent. Slow because a real task runs: stock agents kill it here."""

import os
import signal
import time

from tests.contract.agent.conftest import WORKER, wait_for

LONG = """
import pathlib, time
pathlib.Path({folder!r}, "began").touch()
time.sleep(4)
pathlib.Path({folder!r}, "ended").touch()
"""


def test_the_task_in_hand_is_finished_and_no_other_is_taken(server, start_agent, tmp_path):
    first = server.enqueue(LONG.format(folder=str(tmp_path)))
    second = server.enqueue("print('second')")
    agent = start_agent()
    wait_for((tmp_path / "began").exists)

    os.killpg(agent.pid, signal.SIGTERM)  # the group: the signal must not reach the task either

    assert agent.wait(30) == 0, agent.log.read_text()
    assert (tmp_path / "ended").exists()
    assert server.status(first) == "completed"
    assert server.status(second) == "queued"
    assert WORKER not in server.workers()


def test_a_signal_while_the_task_is_being_started_loses_nothing(server, start_agent, tmp_path):
    task = server.enqueue("print('hello')")
    agent = start_agent()
    wait_for(lambda: server.status(task) != "queued")

    agent.terminate()

    assert agent.wait(30) == 0, agent.log.read_text()
    assert server.status(task) == "completed"


def test_an_idle_agent_leaves_at_once(server, start_agent):
    agent = start_agent()
    wait_for(start_agent.polled.exists)
    wait_for(lambda: WORKER in server.workers())
    begin = time.monotonic()

    agent.terminate()

    assert agent.wait(10) == 0, agent.log.read_text()
    assert time.monotonic() - begin < 2
    assert WORKER not in server.workers()


def test_an_idle_agent_leaves_though_the_server_is_away(server, start_agent):
    agent = start_agent()
    wait_for(start_agent.polled.exists)
    server.process.kill()
    server.process.wait(10)
    time.sleep(1.5)  # into the retries of a request that nobody answers

    agent.terminate()

    assert agent.wait(15) == 0, agent.log.read_text()


def test_an_agent_whose_queue_is_gone_ends_so_that_it_is_started_again(server, start_agent):
    agent = start_agent()
    wait_for(start_agent.polled.exists)
    (queue,) = server.call("queues.get_all", name="^cpu-train$")["queues"]

    server.call("queues.delete", queue=queue["id"])

    assert agent.wait(15) == 1
    assert "no longer knows" in agent.log.read_text()
