"""What the role clearml_agent says of a slot is what the real agent asks Docker for."""

import json
import os
import re
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
#: What the shell of a task's container is given to do.
START = re.compile(
    r"cp /tmp/clearml\.conf ~/default_clearml\.conf ; (NVIDIA_VISIBLE_DEVICES=\w+ )?"
    r"\$LOCAL_PYTHON -u /opt/fleet/fleet_task execute --disable-monitoring +--id \w+"
)
DATA = "/srv/$data"

# A stub of Docker's client: it remembers what it was asked for, and runs nothing.
STUB = """\
#!/bin/sh
for word in "$@"; do printf '%s\\0' "$word"; done > "$DOCKER_STUB/.new.$$"
mv "$DOCKER_STUB/.new.$$" "$DOCKER_STUB/$1.$$"
echo "Error: No such container" >&2
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


SCRIPT = {"repository": "git://nowhere/x.git", "entry_point": "x.py", "binary": "python3"}


@pytest.fixture
def docker_runs(server, render, plan, tmp_path):
    """Give a slot tasks, and the words of the `docker run` that its agent wants for each."""
    asked = tmp_path / "asked"
    asked.mkdir()
    (tmp_path / "bin").mkdir()
    stub = tmp_path / "bin" / "docker"
    stub.write_text(STUB)
    stub.chmod(0o755)
    compose = yaml.safe_load(render("compose.yaml"))
    agents = []

    def run(number, *tasks):
        slot, group = plan["slots"][number]["name"], plan["slots"][number]["group"]
        for queue in plan["slots"][number]["queues"]:
            server.call("queues.create", name=queue)
        config = tmp_path / f"{group}.clearml.conf"
        config.write_text(render("clearml.conf", clearml_agent__group=group))
        (tmp_path / "data" / group).mkdir(parents=True)
        service = service_of(compose, slot)
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
        environment.pop("FLEET_AGENT_KEEP", None)
        ids = []
        for more in tasks:
            data = {"name": "job", "type": "training", "script": SCRIPT, **more}
            ids.append(server.call("tasks.create", **data)["id"])
            server.call("tasks.enqueue", task=ids[-1], queue_name=queue)
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
        end = time.monotonic() + 40 + 10 * len(ids)
        found = {}
        while set(found) != set(ids):
            assert time.monotonic() < end, (tmp_path / "agent.log").read_text()
            assert agent.poll() is None, (tmp_path / "agent.log").read_text()
            time.sleep(0.1)
            texts = [path.read_text() for path in asked.glob("run.*")]
            found = {task: text.split("\0") for text in texts for task in ids if task in text}
        run.ids = ids
        return [found[task] for task in ids]

    run.log = tmp_path / "agent.log"
    yield run
    for agent in agents:
        if agent.poll() is None:
            os.killpg(agent.pid, signal.SIGKILL)
            agent.wait(10)


def service_of(compose, slot):
    """The service of a slot; the first one with its label."""
    return next(
        service
        for service in compose["services"].values()
        if (service.get("labels") or {}).get("fleet.slot") == slot
    )


def test_a_mig_slots_task_gets_its_instance_its_limits_and_its_data(docker_runs):
    (words,) = docker_runs(2, {})

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
    # Before the task's own start there is a copy of a file: nothing is installed or asked for.
    script = words[words.index("-c") + 1]
    assert START.fullmatch(script), script
    assert SECRET not in " ".join(words)
    assert "AKID" not in " ".join(words)
    assert SECRET not in docker_runs.log.read_text()
    assert "AKID" not in docker_runs.log.read_text()


def test_a_slot_of_whole_gpus_hands_all_of_them_to_its_task(docker_runs):
    (words,) = docker_runs(0, {})

    assert words[words.index("--gpus") + 1] == '"device=0,1"'
    assert not [word for word in words if word.startswith(("--mount", "--memory"))]


def _arguments(text):
    return {"container": {"image": "", "arguments": text, "setup_shell_script": ""}}


# Each way that a task could ask for more than its slot gives; and what its log must name.
WAYS = {
    "a folder of the node": (_arguments("-v /:/host"), "-v /:/host"),
    "a mount": (_arguments("--mount=type=bind,source=/,target=/host"), "--mount=type=bind"),
    "Docker's socket": (_arguments("--volume /run/docker.sock:/d.sock"), "/run/docker.sock"),
    "all privileges": (_arguments("--privileged"), "--privileged"),
    "a capability": (_arguments("--cap-add SYS_ADMIN"), "--cap-add SYS_ADMIN"),
    "the node's processes": (_arguments("--pid host"), "--pid host"),
    "another container's network": (_arguments("--network=container:x"), "--network=container:x"),
    "the node's memory": (_arguments("--ipc=host"), "--ipc=host"),
    "a device": (_arguments("--device /dev/sda"), "--device /dev/sda"),
    "all GPUs": (_arguments("--gpus all"), "--gpus all"),
    "a user": (_arguments("-u 0:0"), "-u 0:0"),
    "no profile": (_arguments("--security-opt seccomp=unconfined"), "seccomp=unconfined"),
    "more memory": (_arguments("--memory 1t --cpus 99"), "--memory 1t --cpus 99"),
    "an entry point": (_arguments("--entrypoint /bin/sh"), "--entrypoint /bin/sh"),
    "a runtime": (_arguments("--runtime=other"), "--runtime=other"),
    "the agent's variables": (
        _arguments("-e CLEARML_AGENT_EXTRA_DOCKER_ARGS=--privileged -e CLEARML_API_HOST=http://x"),
        "CLEARML_AGENT_EXTRA_DOCKER_ARGS=…",
    ),
    "arguments that no shell reads": (_arguments("-v '/:/host"), "-v '/:/host"),
    "an image of its own": (
        {"container": {"image": "evil/image:latest -v /:/host", "arguments": ""}},
        "evil/image:latest",
    ),
    "a set-up script": (
        {"container": {"image": "", "setup_shell_script": "touch /set-up-was-here"}},
        "a set-up script",
    ),
    "a restart": ({"runtime": {"docker_restart": "always"}}, None),
    "variables of the task": (
        {
            "hyperparams": {
                "Environment": {
                    name: {"section": "Environment", "name": name, "value": value}
                    for name, value in {
                        "CLEARML_AGENT_DOCKER_HOST_MOUNT": "/:/host",
                        "CLEARML_API_HOST": "http://x",
                    }.items()
                }
            }
        },
        None,
    ),
    "configuration objects": (
        {
            "configuration": {
                name: {
                    "name": name,
                    "type": "hocon",
                    "value": 'agent.default_docker.image: "x"',
                }
                for name in ("agent", "clearml.conf", "container", "docker_cmd")
            }
        },
        None,
    ),
    "words in its script": (
        {
            "script": {
                **SCRIPT,
                "repository": "ext::sh -c touch% /repository-was-here",
                "branch": "--upload-pack=touch /branch-was-here",
                "version_num": "$(touch /commit-was-here)",
                "entry_point": "x.py; touch /entry-was-here",
                "working_dir": "../../../..",
                "docker_cmd": "evil/image --privileged",
            },
            "execution": {"docker_cmd": "evil/image --privileged -v /:/host"},
        },
        None,
    ),
    "words in its name": ({"name": "x'; touch /name-was-here; '", "tags": ["--privileged"]}, None),
}


def test_whatever_a_task_asks_its_container_is_its_slots_and_what_it_asked_is_named(
    docker_runs, server
):
    """In one go: a task takes seconds, since the agent does all that it does but `docker run`."""
    first, *others = docker_runs(2, {}, *(task for task, _ in WAYS.values()))
    plain, *ids = docker_runs.ids

    for (way, (data, said)), words, task in zip(WAYS.items(), others, ids, strict=True):
        assert _without(words, task) == _without(first, plain), way
        if said is None:
            continue
        events = server.call("events.get_task_log", task=task)["events"]
        text = "".join(event["msg"] for event in events)
        assert "Not granted: " in text, way
        assert said in text, way
        # for the step code's guard to refuse the task for it
        held = server.call("tasks.get_by_id", task=task)["task"]["container"]
        assert (held.get("arguments") or "") == data["container"].get("arguments", ""), way
        assert "evil" not in held["image"], way


def _without(words, task):
    """Words of a `docker run` without what is each task's own: its id, and the end of its name."""
    text = "\0".join(words).replace(task, "TASK")
    return re.sub(r"fleet-TASK-[a-z]+", "fleet-TASK", text).split("\0")
