"""A task runs as the user that queues.yml names: the agent's image on the host's Docker Engine.

Both as a task of a slot, and as a service beside others. It takes two minutes. A stub would not
do: what a user may not do, only the engine's containers tell.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys

import pytest
import requests
import yaml

from fleet.images import build
from fleet.paths import REPOSITORY
from fleet.plan import as_data, node_from_variables, plan_node
from fleet.spec import Spec
from tests.contract.agent.conftest import server, wait_for
from tests.contract.agent.declared import QUEUE
from tests.own_contract import SPEC

ROLE = REPOSITORY / "roles" / "clearml_agent"
USER, GROUP = 4242, 4343
PLACES = [
    "/etc",
    "/opt/venv",
    "/usr/local/bin",
    "/root",
    "/opt/fleet",
    "/closed",
    "/shared",
    "/tmp",
]
# A fixture of the contract tests, taken over.
__all__ = ["server"]
DIGEST = "sha256:" + "a" * 64
JOB = """\
import json, os, pathlib, sys
from clearml import Task

task = Task.init()
found = {"user": os.getuid(), "group": os.getgid(), "groups": os.getgroups()}
found |= {"writes": [], "may_not": []}
for folder in json.loads(os.environ["PLACES"]) + [os.getcwd()]:
    try:
        pathlib.Path(folder, "written").write_text("")
        found["writes"].append(folder)
    except OSError as error:
        found["may_not"].append(folder)
try:
    os.setuid(0)
    found["became_root"] = True
except PermissionError:
    found["became_root"] = False
with open("/proc/self/status") as status:
    found["status"] = dict(line.rstrip().split(":\\t", 1) for line in status if ":\\t" in line)
found["configuration_writable"] = os.access("/tmp/clearml.conf", os.W_OK)
found["configuration_mode"] = os.stat("/tmp/clearml.conf").st_mode & 0o777
task.upload_artifact("found", found, wait_on_upload=True)
"""


def what_a_task_found(server, script):
    """Have the agent run a task of the job; what its artifact says."""
    task = server.call("tasks.create", name="job", type="training", script=script)["id"]
    server.call("tasks.enqueue", task=task, queue_name=QUEUE)
    wait_for(lambda: server.status(task) in ("completed", "failed", "stopped"), seconds=120)
    over = server.call("tasks.get_by_id", task=task)["task"]
    assert over["status"] == "completed", over["status_message"]
    (artifact,) = over["execution"]["artifacts"]
    token = server.call("auth.login")["token"]
    answer = requests.get(artifact["uri"], headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert answer.ok, (artifact, answer.text)
    return json.loads(answer.text)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def images(fleet):
    """The images by name, as the engine has them; the fleet's being up means that it has."""
    return build(["common", "agent"], echo=print)


@pytest.fixture
def folders(tmp_path):
    """A folder that the tasks' user may write, and one of root's."""
    shared, closed = tmp_path / "shared", tmp_path / "closed"
    for folder in (shared, closed):
        folder.mkdir()
    os.chown(shared, USER, GROUP)
    return {"shared": shared, "closed": closed}


@pytest.fixture(params=[False, True], ids=["a slot's task", "a service"])
def services(request):
    """Whether the group's tasks are services."""
    return request.param


@pytest.fixture
def plan(folders, services):
    data = SPEC.model_dump()
    data["node_groups"]["cpu_nodes"] |= {
        "slots": 1,
        "services": services,
        "task_user": f"{USER}:{GROUP}",
        "data": {
            "mounts": [
                {"source": str(folder), "target": f"/{name}", "writable": True}
                for name, folder in folders.items()
            ]
        },
    }
    spec = Spec.model_validate(data)
    node = node_from_variables("node", ["cpu_nodes"], {})
    digests = dict.fromkeys(spec.images, DIGEST)
    return as_data(plan_node(spec, node, registry="registry:5000", digests=digests))


@pytest.fixture
def repository(tmp_path):
    """The address of a repository with the job, and the job's commit."""
    folder = tmp_path / "git" / "code"
    folder.mkdir(parents=True)
    (folder / "job.py").write_text(JOB)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "job"]):
        subprocess.run(["git", "-C", folder, *words], check=True, timeout=30)
    commit = subprocess.run(
        ["git", "-C", folder, "rev-parse", "HEAD"],
        check=True, capture_output=True, text=True, timeout=30,
    ).stdout.strip()  # fmt: skip
    port = free_port()
    daemon = subprocess.Popen(
        ["git", "daemon", f"--base-path={folder.parent}", "--export-all", "--reuseaddr",
         "--listen=127.0.0.1", f"--port={port}"],
        start_new_session=True,
    )  # fmt: skip
    yield f"git://127.0.0.1:{port}/code", commit
    # `git` itself is a parent of the daemon.
    os.killpg(daemon.pid, signal.SIGKILL)
    daemon.wait(10)


@pytest.fixture
def agent(server, plan, images, tmp_path):
    """The slot's agent in the container that the role describes, with this machine's images."""
    key, secret = server.key
    files = re.search(r'files_server: "([^"]+)"', server.config.read_text())[1]
    for queue in set(plan["slots"][0]["queues"]) - {QUEUE}:  # which is there
        server.call("queues.create", name=queue)
    config, data = tmp_path / "etc", tmp_path / "data"
    config.mkdir()
    (data / "cpu_nodes").mkdir(parents=True, mode=0o700)
    for slot in plan["slots"]:
        slot["image"] = images["common"].image_id
    variables = {
        "clearml_agent_plan": plan | {"agent_image": images["agent"].image_id},
        "clearml_agent_api_url": server.url,
        "clearml_agent_files_url": files,
        "clearml_agent_access_key": key,
        "clearml_agent_secret_key": secret,
        "clearml_agent_data_directory": str(data),
        "clearml_agent_config_directory": str(config),
        "clearml_agent__configurations": {"cpu_nodes": ""},
        "clearml_agent__group": "cpu_nodes",
        "ansible_python_interpreter": sys.executable,
    }
    (tmp_path / "extra.json").write_text(json.dumps(variables))
    for name, target in (
        ("compose.yaml", "compose.yaml"),
        ("clearml.conf", "cpu_nodes.clearml.conf"),
    ):
        files = [
            *(ROLE / part / "main.yml" for part in ("defaults", "vars")),
            tmp_path / "extra.json",
        ]
        command = [os.path.dirname(sys.executable) + "/ansible", "localhost", "-c", "local"]
        command += [f"-e@{file}" for file in files]
        command += [
            "-m",
            "template",
            "-a",
            f"src={ROLE}/templates/{name}.j2 dest={config / target}",
        ]
        command[-1] += " mode=0600"
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    (service,) = (
        one
        for one in yaml.safe_load((config / "compose.yaml").read_text())["services"].values()
        if "command" in one
    )
    name = f"fleet-test-{os.getpid()}"
    places = json.dumps(PLACES)
    environment = {
        key: str(value).replace("$$", "$") for key, value in service["environment"].items()
    }
    environment["CLEARML_AGENT_EXTRA_DOCKER_ARGS"] += (
        f" '--env=PLACES={places}' --label=fleet.test={name}"
    )
    subprocess.run(
        ["docker", "run", "--detach", f"--name={name}", "--init", "--network=host",
         *(["--read-only"] if service["read_only"] else []),
         *(f"--cap-drop={capability}" for capability in service["cap_drop"]),
         *(f"--security-opt={option}" for option in service["security_opt"]),
         *(f"--tmpfs={folder}" for folder in service["tmpfs"]),
         *(f"--group-add={group}" for group in service["group_add"]),
         *(f"--volume={volume}" for volume in service["volumes"]),
         *(f"--env={key}={value}" for key, value in environment.items()),
         service["image"], *service["command"]],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    yield name
    print(
        subprocess.run(
            ["docker", "logs", "--tail=50", name], capture_output=True, text=True, timeout=30
        ).stdout
    )
    left = subprocess.run(
        ["docker", "ps", "-aq", f"--filter=label=fleet.test={name}"],
        capture_output=True, text=True, timeout=30, check=True,
    ).stdout.split()  # fmt: skip
    subprocess.run(["docker", "rm", "--force", "--volumes", name, *left], timeout=60, check=False)


def test_a_task_runs_as_its_groups_user_and_writes_only_where_that_user_may(
    agent, server, repository, folders, tmp_path
):
    url, commit = repository
    script = {
        "repository": url,
        "version_num": commit,
        "entry_point": "job.py",
        "working_dir": ".",
        "binary": "python3",
        "requirements": {"pip": ""},
    }
    for _ in range(2):  # the second takes the clone from the cache that the first made
        found = what_a_task_found(server, script)
        assert (found["user"], found["group"], found["groups"]) == (USER, GROUP, [GROUP])
        assert not found["became_root"]
        assert {found["status"][name] for name in ("CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
        assert found["status"]["NoNewPrivs"] == "1"
        assert not found["configuration_writable"]
        assert found["configuration_mode"] == 0o640
        assert {"/shared", "/tmp"} < set(found["writes"])
        assert set(found["may_not"]) == set(PLACES) - {"/shared", "/tmp"}
    written = folders["shared"] / "written"
    assert (written.stat().st_uid, written.stat().st_gid) == (USER, GROUP)
    (cache,) = (tmp_path / "data" / "cpu_nodes").glob("vcs-cache*")
    assert {path.stat().st_uid for path in cache.glob("code.*/code/.git")} == {USER}
    # The copy of the credentials goes with the task, and so does what it printed.
    kept = tmp_path / "data" / "cpu_nodes"
    wait_for(lambda: not list(kept.glob(".clearml_agent.*.cfg")), seconds=60)
    assert not list(kept.glob(".agent/*/output/*"))


def test_whoever_hands_a_task_to_the_agent_waits_for_its_end(agent, server, tmp_path):
    code = "import time\ntime.sleep(3)\nprint('the end')\n"
    done = [
        asked(agent, "smoke", "--wait=60", server.draft(text))
        for text in (code, f"{code}raise SystemExit(3)\n")
    ]
    assert [answer["status"] for answer in done] == ["completed", "failed"], done
    assert [server.status(answer["task"]) for answer in done] == ["completed", "failed"]
    wait_for(lambda: asked(agent, "state")["state"] == "idle")
    assert asked(agent, "state")["worker"] in server.workers()
    command = ["docker", "exec", agent, "fleet-agent-health"]
    assert subprocess.run(command, timeout=60, check=False).returncode == 0


def asked(agent, *words):
    """What `fleet-agent` answers in the agent's container."""
    done = subprocess.run(
        ["docker", "exec", agent, "fleet-agent", *words],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    return json.loads(done.stdout)
