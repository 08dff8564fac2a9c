"""What the role clearml_agent writes on a node, rendered by Ansible itself."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from clearml.backend_config.bucket_config import S3BucketConfigurations
from clearml.utilities.pyhocon import ConfigFactory

# The SDK reads its configuration with a parser that is deprecated in parts.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

REPOSITORY = Path(__file__).parents[3]
ROLE = REPOSITORY / "roles" / "clearml_agent"
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
SECRET = 'se"cret/with$odd characters'


def slot(name, **other):
    return {
        "name": name,
        "worker_id": name.replace("-0", ":0"),
        "group": "cpu_nodes",
        "queues": ["cpu-infer", "cpu-train"],
        "image": "registry:5000/fleet/cpu@sha256:aa",
        "devices": [],
        "services": False,
        "labels": {"fleet.node": "n", "fleet.slot": name, "fleet.group": "cpu_nodes"},
        "worker_tags": ["image:sha256:aa", "devices:none"],
        "task_arguments": [],
        "task_user": "",
        **other,
    }


STORE = {
    "host": "store.example.com:9000",
    "bucket": "models",
    "key": "AKID",
    "secret": SECRET,
    "region": "",
    "multipart": True,
    "secure": False,
}
MOUNT = "--mount=type=bind,source=/data/$HOME,target=/data,readonly"
VARIABLES = {
    "clearml_agent_plan": {
        "node": "n",
        "agent_image": "registry:5000/fleet/agent@sha256:bb",
        "slots": [
            slot("n-0", task_arguments=["--memory=4g", MOUNT]),
            slot(
                "n-1",
                group="gpu_nodes",
                devices=["0", "1"],
                image="registry:5000/fleet/cuda@sha256:cc",
            ),
            slot("n-2", services=True, queues=["services"]),
            slot("n-3", group="mig_nodes", devices=["2:1"]),
        ],
    },
    "clearml_agent_api_url": "http://10.0.0.1:8008",
    "clearml_agent_files_url": "http://10.0.0.1:8081",
    "clearml_agent_access_key": "key",
    "clearml_agent_secret_key": SECRET,
    "clearml_agent_object_stores": {"cpu_nodes": [], "gpu_nodes": [STORE]},
}


def render(folder, variables):
    """Compose project and configurations, as the role writes them on a node."""
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "connection": "local",
        "vars_files": [str(ROLE / part / "main.yml") for part in ("defaults", "vars")],
        "tasks": [
            {
                "ansible.builtin.copy": {
                    "content": "{{ item.value }}",
                    "dest": f"{folder}/etc/{{{{ item.key }}}}.clearml.conf",
                    "mode": "0600",
                },
                "loop": "{{ clearml_agent__configurations | dict2items }}",
                "no_log": True,
            },
            {
                "ansible.builtin.template": {
                    "src": str(ROLE / "templates" / "compose.yaml.j2"),
                    "dest": str(folder / "etc" / "compose.yaml"),
                    "mode": "0600",
                }
            },
        ],
    }
    # Extra variables go before the defaults, which are read as files here.
    extra = {
        **variables,
        "clearml_agent_config_directory": str(folder / "etc"),
        "clearml_agent_data_directory": str(folder / "data"),
        "ansible_python_interpreter": sys.executable,
        "ansible_search_path": [str(ROLE)],
    }
    (folder / "etc").mkdir(exist_ok=True)
    (folder / "extra.json").write_text(json.dumps(extra))
    (folder / "play.yml").write_text(json.dumps([play]))
    if not (folder / "templates").exists():
        (folder / "templates").symlink_to(ROLE / "templates")
    done = subprocess.run(
        [PLAYBOOK, "-i", "localhost,", "-vvv", "-e", "@extra.json", "play.yml"],
        cwd=folder,
        env={**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rendered")
    (folder / "output").write_text(render(folder, VARIABLES))
    return folder


@pytest.fixture(scope="module")
def compose(rendered):
    """The project's agents, each by the name of its slot."""
    return by_slot(rendered)


def by_slot(folder):
    services = yaml.safe_load((folder / "etc" / "compose.yaml").read_text())["services"]
    return {name.rpartition(".")[0]: service for name, service in services.items()}


@pytest.fixture(scope="module")
def configuration(rendered):
    return ConfigFactory.parse_file(str(rendered / "etc" / "gpu_nodes.clearml.conf"))


def test_each_slot_has_one_agent_by_digest(compose):
    assert list(compose) == ["n-0", "n-1", "n-2", "n-3"]
    assert {s["image"] for s in compose.values()} == {"registry:5000/fleet/agent@sha256:bb"}


def test_a_slot_without_gpus_says_so_and_one_with_gpus_owns_them(compose):
    commands = {name: s["command"] for name, s in compose.items()}

    assert "--cpu-only" in commands["n-0"]
    assert commands["n-1"][-2:] == ["--gpus", "0,1"]
    assert commands["n-3"][-2:] == ["--gpus", "2:1"]
    assert "--cpu-only" not in commands["n-1"]
    assert [name for name in commands if "--services-mode" in commands[name]] == ["n-2"]


def test_queues_keep_their_order(compose):
    command = compose["n-0"]["command"]

    assert command[:3] == ["--queue", "cpu-infer", "cpu-train"]


def test_the_image_of_a_slots_tasks_is_known_on_the_node(compose):
    images = {name: s["labels"]["fleet.task-image"] for name, s in compose.items()}

    assert images["n-0"] == "registry:5000/fleet/cpu@sha256:aa"
    assert images["n-1"] == "registry:5000/fleet/cuda@sha256:cc"


def test_a_service_is_named_after_the_settings_of_its_slot(rendered, compose):
    services = yaml.safe_load((rendered / "etc" / "compose.yaml").read_text())["services"]

    assert len({name.rpartition(".")[2] for name in services}) == len(compose)
    for name, service in services.items():
        assert service["container_name"] == f"fleet-{name}"
        assert service["labels"]["fleet.generation"] == name.rpartition(".")[2]


def test_the_agents_of_a_slot_share_a_folder_and_all_of_the_node_their_wishes(rendered, compose):
    folders = {s["environment"]["FLEET_AGENT_KEEP"] for s in compose.values()}
    wishes = f"{rendered}/etc/wishes"

    assert f"{rendered}/data/gpu_nodes/.agent/n-1" in folders
    assert len(folders) == len(compose)
    assert {s["environment"]["FLEET_AGENT_WISHES"] for s in compose.values()} == {wishes}
    assert all(f"{wishes}:{wishes}:ro" in s["volumes"] for s in compose.values())


@pytest.mark.parametrize(
    ("grace", "seconds"), [("24h", 86340), ("1h30m", 5340), ("90s", 30), ("30s", 1)]
)
def test_an_agent_ends_before_the_engine_would_end_it(tmp_path, grace, seconds):
    render(tmp_path, {**VARIABLES, "clearml_agent_stop_grace_period": grace})

    environment = by_slot(tmp_path)["n-0"]["environment"]
    assert environment["FLEET_AGENT_DRAIN_SECONDS"] == str(seconds)


def test_a_stopped_agent_has_time_to_finish_its_task(compose):
    agent = compose["n-0"]

    assert agent["stop_signal"] == "SIGTERM"
    assert agent["stop_grace_period"] == "24h"
    assert agent["restart"] == "unless-stopped"


def test_a_slot_hands_its_limits_and_mounts_to_its_tasks_and_to_no_other_slots(compose):
    environments = {name: s["environment"] for name, s in compose.items()}
    # Compose reads $$ as $.
    given = environments["n-0"]["CLEARML_AGENT_EXTRA_DOCKER_ARGS"].replace("$$", "$")

    assert shlex.split(given)[-2:] == ["--memory=4g", MOUNT]
    assert "--memory" not in environments["n-1"]["CLEARML_AGENT_EXTRA_DOCKER_ARGS"]


def test_a_worker_bears_its_slots_tags_and_its_container_the_slots_labels(compose):
    agent = compose["n-0"]

    assert agent["environment"]["CLEARML_WORKER_TAGS"] == "image:sha256:aa devices:none"
    assert agent["labels"]["fleet.group"] == "cpu_nodes"


def test_each_group_has_a_configuration_and_caches_of_its_own(rendered, compose):
    group = compose["n-1"]
    ours = [volume for volume in group["volumes"] if "docker.sock" not in volume]

    assert group["environment"]["CLEARML_CONFIG_FILE"].endswith("/gpu_nodes.clearml.conf")
    assert len(ours) == 3
    assert [volume for volume in ours if "gpu_nodes" not in volume] == [
        f"{rendered}/etc/wishes:{rendered}/etc/wishes:ro"
    ]
    for path in (rendered / "etc").glob("*.clearml.conf"):
        assert path.stat().st_mode & 0o777 == 0o600
        assert ("store.example.com" in path.read_text()) == (path.name == "gpu_nodes.clearml.conf")


def generations(folder):
    project = yaml.safe_load((folder / "etc" / "compose.yaml").read_text())
    return dict(name.split(".") for name in project["services"])


def replaced(folder, **changes):
    """The slots whose agents are others with other variables."""
    before = generations(folder)
    render(folder, {**VARIABLES, **changes})
    after = generations(folder)
    render(folder, VARIABLES)
    assert generations(folder) == before
    return [name for name in before if before[name] != after[name]]


def test_a_changed_credential_replaces_the_agents_of_its_group_alone(rendered):
    other = {"gpu_nodes": [{**STORE, "secret": "another"}]}
    assert replaced(rendered, clearml_agent_object_stores=other) == ["n-1"]


def test_another_image_replaces_the_agents_whose_tasks_or_who_themselves_run_from_it(rendered):
    plan = VARIABLES["clearml_agent_plan"]
    first, *others = plan["slots"]
    tasks = {**plan, "slots": [{**first, "image": "registry:5000/fleet/cpu@sha256:new"}, *others]}
    agents = {**plan, "agent_image": "registry:5000/fleet/agent@sha256:new"}

    assert replaced(rendered, clearml_agent_plan=tasks) == ["n-0"]
    assert replaced(rendered, clearml_agent_plan=agents) == ["n-0", "n-1", "n-2", "n-3"]


def test_an_agent_can_do_no_more_than_it_needs(compose):
    for agent in compose.values():
        assert agent["read_only"] is True
        assert agent["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in agent["security_opt"]
        assert not {"cap_add", "privileged", "pid", "ipc", "devices", "ports"} & agent.keys()
        writable = [volume for volume in agent["volumes"] if not volume.endswith(":ro")]
        own = agent["environment"]["CLEARML_AGENT_DOCKER_HOST_MOUNT"]
        assert writable == ["/var/run/docker.sock:/var/run/docker.sock", own]


def test_a_task_gets_no_more_than_it_needs_and_root_alone_the_files_of_others(tmp_path):
    plan = VARIABLES["clearml_agent_plan"]
    slots = [slot("n-0"), slot("n-1", task_user="1000:1000")]
    render(tmp_path, {**VARIABLES, "clearml_agent_plan": {**plan, "slots": slots}})
    given = [
        shlex.split(agent["environment"]["CLEARML_AGENT_EXTRA_DOCKER_ARGS"])
        for agent in by_slot(tmp_path).values()
    ]

    for words in given:
        assert {"--cap-drop=ALL", "--security-opt=no-new-privileges"} <= set(words)
        assert not [
            word for word in words if word.startswith(("--privileged", "--pid", "--volume"))
        ]
    added = [[word for word in words if word.startswith("--cap-add")] for words in given]
    assert added == [["--cap-add=CHOWN", "--cap-add=DAC_OVERRIDE", "--cap-add=FOWNER"], []]


def test_queues_and_the_end_of_a_task_are_looked_at_more_often_than_each_second(compose):
    for agent in compose.values():
        environment = agent["environment"]
        assert 0 < float(environment["CLEARML_AGENT_QUEUE_POLL_FREQ_SEC"]) < 1
        # The agent within a service's container, too.
        inner = shlex.split(environment["CLEARML_AGENT_EXTRA_DOCKER_ARGS"])
        (seconds,) = (word.partition("=")[2] for word in inner if "POLL_FREQ_SEC=" in word)
        assert 0 < float(seconds) < 1


def test_no_secret_is_in_the_compose_project_nor_told_by_ansible(rendered):
    for told in (rendered / "etc" / "compose.yaml", rendered / "output"):
        assert "cret" not in told.read_text(), told


def test_the_sdk_finds_the_credentials_of_the_groups_bucket(configuration):
    stores = S3BucketConfigurations.from_config(
        configuration["sdk"]["aws"]["s3"].as_plain_ordered_dict()
    )
    found = stores.get_config_by_uri("s3://store.example.com:9000/models/a/b.bin")

    assert (found.key, found.secret, found.host) == ("AKID", SECRET, "store.example.com:9000")
    assert found.bucket == "models"
    assert found.secure is False
    assert not stores.get_config_by_uri("s3://elsewhere/x").key


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


def test_odd_characters_in_a_path_and_a_name_are_kept(tmp_path):
    folder = tmp_path / "a #1 folder"
    folder.mkdir()
    plan = {**VARIABLES["clearml_agent_plan"], "slots": [slot("n-0", queues=["0x10", "null"])]}
    render(folder, {**VARIABLES, "clearml_agent_plan": plan})
    agent = by_slot(folder)["n-0"]
    conf = f"{folder}/etc/cpu_nodes.clearml.conf"

    assert agent["environment"]["CLEARML_CONFIG_FILE"] == conf
    assert agent["volumes"][1] == f"{conf}:{conf}:ro"
    assert agent["command"][:3] == ["--queue", "0x10", "null"]
    configuration = ConfigFactory.parse_file(str(folder / "etc" / "cpu_nodes.clearml.conf"))
    assert configuration["agent"]["venvs_dir"] == f"{folder}/data/cpu_nodes/venvs-builds"
