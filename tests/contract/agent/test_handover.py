"""A new agent of a slot takes over from the old one; both are the real agent."""

import json
import os
import subprocess
import sys
import time

from tests.contract.agent.conftest import AGENT, WORKER, wait_for

WAITS = """
import pathlib, time
pathlib.Path({folder!r}, "began").touch()
while not pathlib.Path({folder!r}, "go").exists():
    time.sleep(0.1)
"""


def ask(agent, *words):
    """`fleet-agent WORDS` beside an agent: its exit status and its line."""
    command = [sys.executable, "-m", "fleet_agent.command", *words]
    environment = {**os.environ, "PYTHONPATH": str(AGENT), "FLEET_AGENT_STATE": str(agent.state)}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, json.loads(done.stdout)


def state(agent):
    return ask(agent, "state")[1]["state"]


def is_well(agent):
    environment = {**os.environ, "FLEET_AGENT_STATE": str(agent.state)}
    check = ["sh", str(AGENT / "health.sh")]
    return subprocess.run(check, env=environment, check=False, timeout=10).returncode == 0


def test_the_new_agent_stands_by_until_the_old_one_has_finished_its_task(
    server, start_agent, tmp_path
):
    keep = {"FLEET_AGENT_KEEP": str(tmp_path / "keep")}
    first = server.enqueue(WAITS.format(folder=str(tmp_path)))
    old = start_agent(**keep)
    wait_for((tmp_path / "began").exists)
    assert ask(old, "state")[1] | {"state": "busy", "task": first} == ask(old, "state")[1]

    new = start_agent(**keep)
    wait_for(lambda: state(new) == "standing-by" and is_well(new))
    second = server.enqueue("print('second')")
    old.terminate()
    wait_for(lambda: state(old) == "leaving")
    wait_for(lambda: server.tags(WORKER) == ["state:draining", "successor:stands-by"])
    assert ask(new, "smoke", second, "--wait", "1")[0] == 3
    assert server.status(second) == "queued"
    seen = []
    (tmp_path / "go").touch()
    while old.poll() is None or server.status(second) != "completed":
        seen.append(server.workers())
        time.sleep(0.05)

    assert old.returncode == 0, old.log.read_text()
    assert server.status(first) == "completed"
    assert all(WORKER in workers for workers in seen)
    assert server.tags(WORKER) == []
    wait_for(lambda: state(new) == "idle")
    new.terminate()
    assert new.wait(10) == 0
    assert server.workers() == []


def test_an_agent_that_stands_by_leaves_at_once_and_the_worker_stays(server, start_agent, tmp_path):
    keep = {"FLEET_AGENT_KEEP": str(tmp_path / "keep")}
    old = start_agent(**keep)
    wait_for(lambda: WORKER in server.workers())
    new = start_agent(**keep)
    wait_for(lambda: state(new) == "standing-by" and is_well(new))

    new.terminate()

    assert new.wait(10) == 0, new.log.read_text()
    assert WORKER in server.workers()
    assert old.poll() is None


def test_a_node_that_is_drained_takes_nothing_but_what_it_is_handed(server, start_agent, tmp_path):
    wishes = tmp_path / "wishes"
    wishes.mkdir()
    (wishes / "drained").write_text(json.dumps({"reason": "a disk", "by": "me", "since": "now"}))
    agent = start_agent(FLEET_AGENT_WISHES=str(wishes))
    said = ["state:drained", "drained-by:me", "drained-since:now", "drained-why:a disk"]
    wait_for(lambda: server.tags(WORKER) == said)
    wait_for(lambda: is_well(agent) and state(agent) == "drained")
    task = server.enqueue("print('hello')")
    draft = server.draft("import sys; sys.exit(3)")

    code, said = ask(agent, "smoke", draft, "--wait", "20")

    assert (code, said["task"], said["status"]) == (1, draft, "failed")
    assert server.status(task) == "queued"
    code, said = ask(agent, "smoke", draft, "--wait", "20")
    assert (code, said["message"]) == (1, "not run: it is failed")
    draft = server.draft("print('well')")
    assert ask(agent, "smoke", draft)[1] == {
        "task": draft,
        "status": "completed",
        "message": f"Changed by clearml-agent {WORKER}",
    }

    (wishes / "drained").unlink()
    wait_for(lambda: server.status(task) == "completed")
    wait_for(lambda: server.tags(WORKER) == [])
