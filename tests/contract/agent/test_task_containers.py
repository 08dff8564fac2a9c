"""What the role clearml_agent says of a slot is what the real agent asks Docker for."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from fleet.object_stores import credentials_by_group
from fleet.paths import REPOSITORY
from fleet.plan import as_data, node_from_variables, plan_node
from fleet.spec import Spec
from tests.own_contract import SPEC

ROLE = REPOSITORY / "roles" / "clearml_agent"
AGENT = REPOSITORY / "images" / "agent"
DIGEST = "sha256:" + "a" * 64
SECRET = "not-to-be-seen"
DATA = "/srv/$data"

# A stub of Docker's client: it remembers what it was asked for, and runs nothing.
STUB = """\
#!/bin/sh
for word in "$@"; do printf '%s\\0' "$word"; done > "$DOCKER_STUB/.new.$$"
mv "$DOCKER_STUB/.new.$$" "$DOCKER_STUB/$1.$$"
exit 1
"""


@pytest.fixture(scope="module")
def spec():
    data = SPEC.model_dump()
    data["node_groups"]["gpu_nodes"]["slots"] = 1
    data["node_groups"]["mig_nodes"] = {
        "image": "cuda",
        "slots": "per_mig",
        "accelerator": "gpu",
        "limits": {"cpus": 1.5, "memory": "4GiB", "shared_memory": "1GiB"},
        "data": {
            "mounts": [{"source": DATA, "target": "/data"}, {"source": "/out", "writable": True}],
            "object_stores": [{"url": "s3://bucket", "credentials": "vault_store"}],
        },
    }
    queue = {"node_group": "mig_nodes", "priority": 1, "phases": ["training"]}
    data["queues"]["mig-train"] = queue
    return Spec.model_validate(data)


@pytest.fixture(scope="module")
def plan(spec):
    """A node with two whole GPUs for one slot, and a slot for each of two MIG instances."""
    variables = {"fleet_gpus": 3, "fleet_mig": {2: ["3g.40gb", "3g.40gb"]}}
    node = node_from_variables("node", ["gpu_nodes", "mig_nodes"], variables)
    digests = dict.fromkeys(spec.images, DIGEST)
    return as_data(plan_node(spec, node, registry="registry:5000", digests=digests))


@pytest.fixture
def render(server, spec, plan, tmp_path):
    """Has Ansible write a template of the role as it does for this node."""
    key, secret = server.key
    variables = {
        "clearml_agent_plan": plan,
        "clearml_agent_api_url": server.url,
        "clearml_agent_files_url": server.url,
        "clearml_agent_access_key": key,
        "clearml_agent_secret_key": secret,
        "clearml_agent_data_directory": str(tmp_path / "data"),
        "clearml_agent_config_directory": str(tmp_path / "etc"),
        "clearml_agent__configurations": dict.fromkeys(spec.node_groups, ""),
        "clearml_agent_object_stores": credentials_by_group(
            spec, ["mig_nodes"], {"vault_store": {"key": "AKID", "secret": SECRET}}
        ),
        "ansible_python_interpreter": sys.executable,
    }

    def write(name, **more):
        (tmp_path / "extra.json").write_text(json.dumps(variables | more))
        target = tmp_path / "written"
        files = [ROLE / part / "main.yml" for part in ("defaults", "vars")]
        command = [Path(sys.executable).with_name("ansible"), "localhost", "-c", "local"]
        command += [f"-e@{file}" for file in [*files, tmp_path / "extra.json"]]
        command += ["-m", "template", "-a", f"src={ROLE}/templates/{name}.j2 dest={target}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return target.read_text()

    return write


@pytest.fixture
def docker_run(server, render, plan, tmp_path):
    """Give a slot a task, and the words of the `docker run` that its agent wants for it."""
    asked = tmp_path / "asked"
    asked.mkdir()
    (tmp_path / "bin").mkdir()
    stub = tmp_path / "bin" / "docker"
    stub.write_text(STUB)
    stub.chmod(0o755)
    compose = yaml.safe_load(render("compose.yaml"))
    agents = []

    def run(number):
        slot, group = plan["slots"][number]["name"], plan["slots"][number]["group"]
        for queue in plan["slots"][number]["queues"]:
            server.call("queues.create", name=queue)
        config = tmp_path / f"{group}.clearml.conf"
        config.write_text(render("clearml.conf", clearml_agent__group=group))
        (tmp_path / "data" / group).mkdir(parents=True)
        service = compose["services"][slot]
        # Compose reads $$ as $.
        words = {k: str(v).replace("$$", "$") for k, v in service["environment"].items()}
        environment = {
            **os.environ,
            **words,
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
            "PYTHONPATH": str(AGENT),
            "CLEARML_CONFIG_FILE": str(config),
            "DOCKER_STUB": str(asked),
            "FLEET_AGENT_STATE": str(tmp_path / "state"),
        }
        script = {"repository": "git://nowhere/x.git", "entry_point": "x.py", "binary": "python3"}
        task = server.call("tasks.create", name="job", type="training", script=script)["id"]
        server.call("tasks.enqueue", task=task, queue_name=queue)
        log = (tmp_path / "agent.log").open("w")
        agent = subprocess.Popen(
            [sys.executable, "-m", "fleet_agent", *service["command"]],
            env=environment,
            cwd=tmp_path,
            start_new_session=True,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        agents.append(agent)
        end = time.monotonic() + 40
        while not (found := list(asked.glob("run.*"))):
            assert time.monotonic() < end, (tmp_path / "agent.log").read_text()
            assert agent.poll() is None, (tmp_path / "agent.log").read_text()
            time.sleep(0.1)
        return found[0].read_text().split("\0")

    run.log = tmp_path / "agent.log"
    yield run
    for agent in agents:
        if agent.poll() is None:
            os.killpg(agent.pid, signal.SIGKILL)
            agent.wait(10)


def test_a_mig_slots_task_gets_its_instance_its_limits_and_its_data(docker_run):
    words = docker_run(2)

    # Docker's own syntax: the quotes are part of the word.
    assert words[words.index("--gpus") + 1] == '"device=2:1"'
    for wanted in (
        "--cpus=1.5",
        "--memory=4g",
        "--memory-swap=4g",
        "--shm-size=1g",
        f"--mount=type=bind,source={DATA},target=/data,readonly",
        "--mount=type=bind,source=/out,target=/out",
    ):
        assert wanted in words, words
    assert f"registry:5000/fleet/cuda@{DIGEST}" in words
    assert SECRET not in " ".join(words)
    assert "AKID" not in " ".join(words)
    assert SECRET not in docker_run.log.read_text()
    assert "AKID" not in docker_run.log.read_text()


def test_a_slot_of_whole_gpus_hands_all_of_them_to_its_task(docker_run):
    words = docker_run(0)

    assert words[words.index("--gpus") + 1] == '"device=0,1"'
    assert not [word for word in words if word.startswith(("--mount", "--memory"))]
