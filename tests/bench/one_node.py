"""A server, a repository of step code and agents, all on this machine's Docker Engine."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from fleet.paths import REPOSITORY
from fleet.plan import Node, as_data, plan_node
from fleet.spec import Spec

ROLE = REPOSITORY / "roles" / "clearml_agent"
PROGRAMS = Path(sys.executable).parent
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
_FINAL = ("completed", "failed", "stopped", "closed")


class Failed(Exception):
    """A task or a program did not do what the measurement needs; the text says what was seen."""


@dataclass
class Server:
    """The embedded server, seen through plain requests.

    Parameters
    ----------
    url, files_url : str
    key : tuple of str
        Access key and secret.
    """

    url: str
    files_url: str
    key: tuple[str, str]

    def call(self, endpoint: str, **data: Any) -> dict[str, Any]:
        """The `data` of one answer."""
        answer = requests.post(f"{self.url}/{endpoint}", json=data, auth=self.key, timeout=20)
        answer.raise_for_status()
        return answer.json()["data"]

    def log(self, task: str) -> list[str]:
        """The lines of a task's console, first to last."""
        answer = self.call("events.get_task_log", task=task, order="asc", batch_size=5000)
        return [line for event in answer["events"] for line in event["msg"].splitlines()]

    def wait(self, task: str, seconds: float) -> dict[str, Any]:
        """The task once it is over.

        Raises
        ------
        Failed
            It did not complete in that time; the text has the end of its console.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.call("tasks.get_by_id", task=task)["task"]
            if found["status"] in _FINAL:
                break
            time.sleep(0.1)
        if found["status"] != "completed":
            console = "\n".join(self.log(task)[-40:])
            raise Failed(f"the task is {found['status']}: {found['status_message']}\n{console}")
        return found


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Server]:
    """The embedded server, at an address that containers of the engine's bridge reach, too."""
    address = gateway()
    command = [PROGRAMS / "fleet", "server", "--data", folder, "--host", address]
    command += ["--port", str(free_port(address)), "--files-port", str(free_port(address))]
    with program(command, folder.with_suffix(".log")) as log:
        _wait_for(lambda: "ready" in log.read_text().splitlines(), "fleet server", log)
        api = _api_section((folder / "clearml.conf").read_text())
        key = api["access_key"], api["secret_key"]
        yield Server(api["api_server"], api["files_server"], key)


@contextlib.contextmanager
def step_code(folder: Path, name: str, files: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """A git daemon with one repository: a clone of this one with files added.

    Yields
    ------
    tuple of str
        Its address, and the commit.
    """
    repository = folder / name
    git = ["git", "-C", str(repository)]
    subprocess.run(["git", "clone", "-q", str(REPOSITORY), str(repository)], check=True)
    for path, text in files.items():
        (repository / path).write_text(text)
    subprocess.run([*git, "add", *files], check=True)
    who = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    subprocess.run([*git, *who, "commit", "-q", "-m", "A task to measure"], check=True)
    commit = _output(*git, "rev-parse", "HEAD").strip()
    address, port = gateway(), free_port(gateway())
    command = ["git", "daemon", f"--listen={address}", f"--port={port}", "--export-all"]
    command += ["--reuseaddr", f"--base-path={folder}"]
    with program(command, folder / "git.log") as log:
        _wait_for(lambda: _answers(address, port), "git daemon", log)
        yield f"git://{address}:{port}/{name}", commit


@contextlib.contextmanager
def our_agent(folder: Path, remote: Server, queue: str, images: Mapping[str, str]) -> Iterator[str]:
    """One slot as `site.yml` lays it down.

    Parameters
    ----------
    images : mapping
        Image ids of `agent` and `cpu`.

    Yields
    ------
    str
        Its container's id.
    """
    service, config = _slot(folder, remote, queue)
    command = ["docker", "run", "--detach", "--init", "--read-only", "--network=host"]
    command += [f"--cap-drop={name}" for name in service["cap_drop"]]
    command += [f"--security-opt={option}" for option in service["security_opt"]]
    command += [f"--tmpfs={path}" for path in service["tmpfs"]]
    for volume in service["volumes"]:
        command.append(f"--volume={volume}".replace("$$", "$"))
        source = Path(volume.split(":")[0])
        if source != config and not source.exists():
            source.mkdir(parents=True)
    for name, value in service["environment"].items():
        command += ["-e", f"{name}={value}".replace("$$", "$")]
    words = [images["cpu"] if "/fleet/cpu@" in word else word for word in service["command"]]
    container = _output(*command, images["agent"], *words).strip()
    try:
        yield container
    except Failed as failed:
        logs = subprocess.run(["docker", "logs", container], capture_output=True, text=True)
        raise Failed(f"{failed}\n{(logs.stdout + logs.stderr)[-3000:]}") from None
    finally:
        subprocess.run(["docker", "rm", "-f", container], capture_output=True, check=False)


@contextlib.contextmanager
def stock_agent(folder: Path, remote: Server, queue: str, image: str) -> Iterator[None]:
    """`clearml-agent daemon --docker IMAGE` with its own settings.

    The task's container gets this machine's authority and pip settings, as it would where a
    site has its own: without them pip reaches nothing.
    """
    home = folder / "stock"
    home.mkdir()
    config = home / "clearml.conf"
    addresses = {
        "api_server": remote.url,
        "files_server": remote.files_url,
        "web_server": remote.url,
    }
    keys = {"access_key": remote.key[0], "secret_key": remote.key[1]}
    config.write_text(json.dumps({"api": {**addresses, "credentials": keys}}))
    arguments = [f"-v {CA_BUNDLE}:{CA_BUNDLE}:ro"] if CA_BUNDLE.exists() else []
    arguments += [f"-e {name}={CA_BUNDLE}" for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE")]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CLEARML")},
        "HOME": str(home),
        "CLEARML_CONFIG_FILE": str(config),
        "CLEARML_WORKER_ID": "stock:0",
        "CLEARML_AGENT_EXTRA_DOCKER_ARGS": " ".join(arguments),
    }
    command = [PROGRAMS / "clearml-agent", "daemon", "--queue", queue, "--docker", image]
    command += ["--cpu-only", "--foreground"]
    with program(command, folder / "stock.log", environment):
        yield


@contextlib.contextmanager
def program(
    command: list[Any], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Path]:
    """A program in the background; yields its log, and ends it and its children."""
    with log.open("w") as out:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdout=out,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    try:
        yield log
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait(5)


def gateway() -> str:
    """This machine's address on the engine's own bridge."""
    wanted = "{{(index .IPAM.Config 0).Gateway}}"
    return _output("docker", "network", "inspect", "bridge", "--format", wanted).strip()


def free_port(address: str) -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind((address, 0))
        return found.getsockname()[1]


def _slot(folder: Path, remote: Server, queue: str) -> tuple[dict[str, Any], Path]:
    """The service of the slot's agent, and the agent's configuration, as Ansible writes them."""
    spec = Spec.model_validate(
        {
            "version": 1,
            "images": {name: {"repository": f"fleet/{name}"} for name in ("agent", "cpu")},
            "node_groups": {"cpu_nodes": {"image": "cpu"}},
            "queues": {
                queue: {"node_group": "cpu_nodes", "priority": 1, "phases": ["training"]},
            },
        }
    )
    digests = dict.fromkeys(spec.images, "sha256:" + "a" * 64)
    plan = plan_node(spec, Node("bench", ("cpu_nodes",)), registry="registry", digests=digests)
    variables = {
        "clearml_agent_plan": as_data(plan),
        "clearml_agent_api_url": remote.url,
        "clearml_agent_files_url": remote.files_url,
        "clearml_agent_access_key": remote.key[0],
        "clearml_agent_secret_key": remote.key[1],
        "clearml_agent_data_directory": str(folder / "data"),
        "clearml_agent_config_directory": str(folder / "etc"),
        "clearml_agent__configurations": {"cpu_nodes": ""},
        "clearml_agent__group": "cpu_nodes",
        "ansible_python_interpreter": sys.executable,
    }
    (folder / "etc").mkdir()
    config = folder / "etc" / "cpu_nodes.clearml.conf"
    compose = _rendered(folder, "compose.yaml", folder / "compose.yaml", variables)
    _rendered(folder, "clearml.conf", config, variables)
    services = yaml.safe_load(compose.read_text())["services"].values()
    return next(service for service in services if "command" in service), config


def _rendered(folder: Path, name: str, target: Path, variables: Mapping[str, Any]) -> Path:
    extra = folder / "variables.json"
    extra.write_text(json.dumps(variables))
    files = [ROLE / part / "main.yml" for part in ("defaults", "vars")]
    command = [str(PROGRAMS / "ansible"), "localhost", "-c", "local", "-m", "template"]
    command += [f"-e@{file}" for file in (*files, extra)]
    command += ["-a", f"src={ROLE}/templates/{name}.j2 dest={target} mode=0600"]
    _output(*command)
    return target


def _api_section(text: str) -> dict[str, str]:
    pairs = (line.strip().partition(":")[::2] for line in text.splitlines() if ":" in line)
    return {name.strip(): shlex.split(value)[0] for name, value in pairs if value.strip()}


def _wait_for(condition, what: str, log: Path, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"{what} does not answer\n{log.read_text()[-2000:]}")
        time.sleep(0.05)


def _answers(address: str, port: int) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex((address, port)) == 0


def _output(*command: str) -> str:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise Failed(f"{shlex.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder that containers may have written to, removed at the end."""
    return tempfile.TemporaryDirectory(prefix="fleet-bench-", ignore_cleanup_errors=True)
