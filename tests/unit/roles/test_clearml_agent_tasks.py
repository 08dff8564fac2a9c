"""What the role clearml_agent does before and after Compose; Docker is not asked for anything."""

import pytest

from fleet.paths import REPOSITORY

SECRET = "a-secret-of-the-agents"
SLOT = {
    "name": "n-0",
    "worker_id": "n:0",
    "group": "cpu_nodes",
    "queues": ["cpu-train"],
    "image": "registry:5000/fleet/cpu@sha256:" + "a" * 64,
    "devices": [],
    "services": False,
    "labels": {"fleet.group": "cpu_nodes"},
    "worker_tags": ["devices:none"],
    "task_arguments": [],
    "task_user": "",
}
PLAN = {
    "node": "n",
    "agent_image": "registry:5000/fleet/agent@sha256:" + "b" * 64,
    "slots": [SLOT],
    "unknown_gpus": [],
    "disabled": "",
}


@pytest.fixture
def node(tmp_path):
    """Variables of a node whose folders are below the test's."""
    return {
        "clearml_agent_plan": PLAN,
        # This machine's own agents, if it has any, are none of the test's.
        "clearml_agent_project": "fleet-unit-test",
        "clearml_agent_api_url": "http://10.0.0.1:8008",
        "clearml_agent_files_url": "http://10.0.0.1:8081",
        "clearml_agent_access_key": "key",
        "clearml_agent_secret_key": SECRET,
        "clearml_agent_config_directory": str(tmp_path / "etc"),
        "clearml_agent_data_directory": str(tmp_path / "data"),
    }


def test_agents_are_left_alone_where_the_gpus_of_a_node_are_not_known(run_role, node, tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "gpu_nodes.clearml.conf").touch()
    node["clearml_agent_plan"] = {**PLAN, "slots": [], "unknown_gpus": ["gpu_nodes"]}
    run = run_role("clearml_agent", "--check", **node)

    assert run.status == 2
    assert "slots localhost has in gpu_nodes is not known" in run.words
    assert "Fix: run site.yml without" in run.words
    assert "changed=0" in run.said


@pytest.fixture
def tasks(ansible_playbook):
    """The tasks of site.yml with some options, as Ansible lists them."""

    def listed(*options):
        listing = ansible_playbook(
            *("-i", "localhost,", "--list-tasks", *options, "site.yml"),
            folder=REPOSITORY / "ansible",
        )
        assert listing.status == 0, listing.said
        return listing.said

    return listed


def test_the_driver_is_asked_wherever_agents_are_changed(tasks):
    chosen = tasks("--tags", "clearml_agent")
    order = ["the inventory is sound", "Ensure the machine can be a node", "Ensure the agents are"]
    assert sorted(order, key=chosen.index) == order


@pytest.mark.parametrize("tag", ["smoke", "docker", "nvidia", "upkeep", "clearml_agent"])
def test_with_a_part_or_without_it_a_node_is_looked_at_and_keeps_what_was_done(tasks, tag):
    order = ["it is known what differs", "the node keeps what it was provisioned with"]
    for option in ("--tags", "--skip-tags"):
        chosen = tasks(option, tag)
        assert sorted(order, key=chosen.index) == order
        if option == "--tags" and tag == "smoke":
            assert "the agents run their smoke tasks" in chosen
            assert "the agents are as they should be" not in chosen


def test_a_dry_run_of_a_node_that_has_no_agents_yet_changes_nothing(run_role, node, tmp_path):
    run = run_role("clearml_agent", "--check", **node)

    assert run.status == 0, run.said
    assert "changed=1" in run.said
    assert not (tmp_path / "etc").exists()


def test_an_error_of_the_files_is_told_and_no_secret(run_role, node, tmp_path):
    (tmp_path / "etc").touch()
    run = run_role("clearml_agent", "-vvv", **node)

    assert run.status == 2
    assert f"{tmp_path}/etc: File exists; fix: see that it" in run.words
    assert SECRET not in run.said
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in run.said


def test_a_disabled_node_loses_its_credentials_though_it_has_no_project(run_role, node, tmp_path):
    copy = tmp_path / "data" / "cpu_nodes" / ".clearml_agent.n%3A0.cfg"
    copy.parent.mkdir(parents=True)
    copy.touch()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "cpu_nodes.clearml.conf").touch()
    node["clearml_agent_plan"] = {**PLAN, "slots": [], "disabled": "a new disk"}

    assert run_role("clearml_agent", tasks="uninstall", **node).status == 0
    assert not copy.exists()
    assert not (tmp_path / "etc").exists()
    again = run_role("clearml_agent", tasks="uninstall", **node)
    assert "changed=0" in again.said


def test_a_setting_that_is_wrong_is_told_without_a_connection(run_role, node, tmp_path):
    mounts = [{"group": "cpu_nodes", "source": f"{tmp_path}/etc"}]
    run = run_role("clearml_agent", tasks="validate", clearml_agent_mounts=mounts, **node)

    assert run.status == 2
    assert "of cpu_nodes shows" in run.words
    assert run_role("clearml_agent", tasks="validate", **node).status == 0
