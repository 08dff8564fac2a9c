"""What the role clearml_agent writes on a node, rendered by Ansible itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from clearml.utilities.pyhocon import ConfigFactory

# The SDK reads its configuration with a parser that is deprecated in parts.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

REPOSITORY = Path(__file__).parents[3]
ROLE = REPOSITORY / "roles" / "clearml_agent"
SECRET = 'se"cret/with$odd characters'


def slot(name, **other):
    return {
        "name": name,
        "worker_id": name.replace("-0", ":0"),
        "queues": ["cpu-infer", "cpu-train"],
        "image": "registry:5000/fleet/cpu@sha256:aa",
        "devices": [],
        "services": False,
        **other,
    }


VARIABLES = {
    "clearml_agent_plan": {
        "node": "n",
        "agent_image": "registry:5000/fleet/agent@sha256:bb",
        "slots": [
            slot("n-0"),
            slot("n-1", devices=["0", "1"], image="registry:5000/fleet/cuda@sha256:cc"),
            slot("n-2", services=True, queues=["services"]),
        ],
    },
    "clearml_agent_api_url": "http://10.0.0.1:8008",
    "clearml_agent_files_url": "http://10.0.0.1:8081",
    "clearml_agent_access_key": "key",
    "clearml_agent_secret_key": SECRET,
}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rendered")
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "connection": "local",
        "vars_files": [str(ROLE / part / "main.yml") for part in ("defaults", "vars")],
        "vars": {
            **VARIABLES,
            "ansible_python_interpreter": sys.executable,
            "ansible_search_path": [str(ROLE)],
        },
        "tasks": [
            {
                "ansible.builtin.template": {
                    "src": str(ROLE / "templates" / f"{name}.j2"),
                    "dest": str(folder / name),
                    "mode": "0600",
                }
            }
            for name in ("clearml.conf", "compose.yaml")
        ],
    }
    (folder / "play.yml").write_text(json.dumps([play]))
    (folder / "templates").symlink_to(ROLE / "templates")
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", "localhost,", "play.yml"],
        cwd=folder,
        env={**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def compose(rendered):
    return yaml.safe_load((rendered / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def configuration(rendered):
    return ConfigFactory.parse_file(str(rendered / "clearml.conf"))


def test_each_slot_has_one_agent_by_digest(compose):
    agents = {name: s for name, s in compose["services"].items() if "command" in s}

    assert list(agents) == ["n-0", "n-1", "n-2"]
    assert {s["image"] for s in agents.values()} == {"registry:5000/fleet/agent@sha256:bb"}


def test_a_slot_without_gpus_says_so_and_one_with_gpus_owns_them(compose):
    commands = {name: s.get("command", []) for name, s in compose["services"].items()}

    assert "--cpu-only" in commands["n-0"]
    assert commands["n-1"][-2:] == ["--gpus", "0,1"]
    assert "--cpu-only" not in commands["n-1"]
    assert [name for name in commands if "--services-mode" in commands[name]] == ["n-2"]


def test_queues_keep_their_order(compose):
    command = compose["services"]["n-0"]["command"]

    assert command[:3] == ["--queue", "cpu-infer", "cpu-train"]


def test_task_images_are_pulled_but_not_run(compose):
    images = {s["image"] for s in compose["services"].values() if "command" not in s}

    assert images == {"registry:5000/fleet/cpu@sha256:aa", "registry:5000/fleet/cuda@sha256:cc"}
    assert all(
        s["deploy"]["replicas"] == 0 for s in compose["services"].values() if "command" not in s
    )


def test_a_stopped_agent_has_time_to_finish_its_task(compose):
    agent = compose["services"]["n-0"]

    assert agent["stop_signal"] == "SIGTERM"
    assert agent["stop_grace_period"] == "24h"
    assert agent["restart"] == "unless-stopped"


def test_no_secret_is_in_the_compose_project(rendered):
    assert "cret" not in (rendered / "compose.yaml").read_text()


def test_the_configuration_keeps_odd_characters_of_a_secret(configuration):
    assert configuration.get_string("api.credentials.secret_key") == SECRET


def test_a_task_chooses_no_image_and_installs_nothing(configuration):
    agent = configuration["agent"]

    assert agent["disable_task_docker_override"] is True
    assert agent["docker_install_opencv_libs"] is False
    assert agent["disable_ssh_mount"] is True
    assert agent["venvs_cache"]["path"] == ""


def test_a_tasks_end_does_not_stall(configuration):
    assert configuration.get_bool("sdk.development.report_use_subprocess") is False
