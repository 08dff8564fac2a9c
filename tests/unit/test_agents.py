import pytest

from fleet.agents import agent_problems

PLAN = {"slots": [{}], "unknown_gpus": [], "disabled": ""}
FOLDERS = ("/etc/fleet", "/var/lib/fleet/agent")


def problems(plan=PLAN, mounts=(), folders=FOLDERS):
    return agent_problems("n", plan, ["cpu_nodes"], mounts, folders)


def test_a_node_with_slots_or_a_reason_for_none_is_sound():
    assert problems() == []
    assert problems({**PLAN, "slots": [], "disabled": "a new disk"}) == []
    assert problems({**PLAN, "slots": [], "unknown_gpus": ["gpu_nodes"]}) == []


def test_a_node_without_a_slot_is_told_what_to_do():
    (problem,) = problems({**PLAN, "slots": []})

    assert problem.startswith("n has no slot: none of its groups (cpu_nodes) is a node group")
    assert "fleet_disabled" in problem


@pytest.mark.parametrize(
    "folder", ["/srv/a fleet", "/srv/fl:eet", "srv/fleet", "/srv/../etc", "/srv/fleet/", "/srv/$A"]
)
def test_a_folder_that_docker_cannot_be_told_is_refused(folder):
    (problem,) = problems(folders=("/etc/fleet", folder))

    assert f'"{folder}" of n cannot be a folder of the agents' in problem


@pytest.mark.parametrize(
    "source", ["/etc/fleet", "/var/lib/fleet/agent/gpu_nodes", "/etc", "//etc/fleet/", "/"]
)
def test_a_mount_that_shows_the_agents_folders_is_refused(source):
    (problem,) = problems(mounts=[{"group": "cpu_nodes", "source": source}])

    assert "of cpu_nodes shows" in problem


def test_folders_and_mounts_that_are_apart_are_taken():
    assert problems(mounts=[{"group": "cpu_nodes", "source": "/etc/fleet-tables"}]) == []
