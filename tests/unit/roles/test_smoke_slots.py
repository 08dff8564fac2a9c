"""The module that hands smoke tasks to a node's agents, with a stub of Docker's client."""

import importlib.util
import json
from pathlib import Path

import pytest

MODULE = Path(__file__).parents[3] / "roles" / "smoke" / "library" / "smoke_slots.py"
IMAGE = "registry:5000/fleet/cpu@sha256:" + "a" * 64

# It lists two agents of slot n-0 and one of n-1, tells events, and runs `fleet-agent smoke`.
STUB = """\
#!/usr/bin/env python3
import json, sys, time
words = sys.argv[1:]
if words[0] == "ps":
    print("fleet-n-0.new\\tn-0\\nfleet-n-0.old\\tn-0\\nfleet-n-1.one\\tn-1")
elif words[0] == "events":
    name = {"name": "fleet-task-a-xyz", "image": "IMAGE"}
    if "--until" not in words:
        time.sleep(60)  # a watch that is there too late
    print(json.dumps({"Actor": {"Attributes": name}}), flush=True)
elif words[1] == "fleet-n-0.new":
    assert words[2:5] == ["fleet-agent", "smoke", "task-a"], words
    print("a line of a log")
    print(json.dumps({"task": "task-a", "status": "completed", "message": ""}))
else:
    print(json.dumps({"task": "task-b", "status": "created", "message": "standing by"}))
    sys.exit(3)
""".replace("IMAGE", IMAGE)


@pytest.fixture(scope="module")
def smoke():
    spec = importlib.util.spec_from_file_location("smoke_slots", MODULE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def docker(tmp_path, monkeypatch):
    path = tmp_path / "docker"
    path.write_text(STUB)
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/local/bin:/usr/bin:/bin")
    return path


def test_each_slots_newest_agent_gets_its_task_and_docker_tells_the_image(smoke, docker):
    found = smoke.hand_over_all({"n-0": "task-a", "n-1": "task-b", "n-2": "task-c"}, 1, 30)

    assert found == {
        "n-0": {"task": "task-a", "state": "ran", "message": "completed", "image": IMAGE},
        "n-1": {"task": "task-b", "state": "waiting", "message": "standing by", "image": ""},
        "n-2": {
            "task": "task-c",
            "state": "error",
            "message": "the slot has no agent",
            "image": "",
        },
    }


@pytest.mark.parametrize(
    ("code", "out", "err", "state", "message"),
    [
        (1, json.dumps({"status": "failed", "message": "2 checks"}), "", "ran", "2 checks"),
        (1, "", "Error: No such container: x", "error", "exit code 1: Error: No such container: x"),
        (126, "", "exec failed", "error", "exit code 126: exec failed"),
        (137, "", "", "error", "exit code 137: it said nothing"),
        (3, "", "", "waiting", "the slot is busy"),
    ],
)
def test_what_handing_over_came_to(smoke, code, out, err, state, message):
    assert smoke.judge("t", code, out, err) == {"task": "t", "state": state, "message": message}


def test_an_agent_that_does_not_answer_is_told(smoke, docker):
    docker.write_text("#!/bin/sh\nsleep 60\n")

    found = smoke.hand_over("fleet-n-0", "task-a", 0, 0.2)

    assert found["state"] == "error"
    assert "has not ended" in found["message"]
