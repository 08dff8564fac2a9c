"""What `site.yml` compares a node by covers what the roles lay down there."""

from pathlib import PurePath

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from fleet.paths import REPOSITORY

SLOTS = [("cpu_nodes", "n-0"), ("cpu_nodes", "n-1"), ("gpu_nodes", "n-2")]


def owned(role, **values):
    """What a role owns, as Ansible gives it on a node."""
    return rendered(role, f"{role}__owns", **values)


def rendered(role, name, **values):
    """A variable of a role."""
    variables = read(role, "defaults") | read(role, "vars") | values
    return Templar(DataLoader(), variables=variables).template(variables[name])


def read(role, part):
    file = REPOSITORY / "roles" / role / part / "main.yml"
    return DataLoader().load_from_file(str(file), trusted_as_template=True) or {}


def uncovered(paths, patterns):
    """Those of the paths that nobody looks at."""
    return [path for path in paths if not any(PurePath(path).match(one) for one in patterns)]


def test_each_package_that_is_held_is_looked_at():
    docker = {"docker.io", "docker-cli", "docker-compose", "containerd"}

    assert set(owned("docker")["packages"]) == docker
    assert "nvidia-container-toolkit" in owned("nvidia")["packages"]


def test_the_files_by_which_apt_is_told_are_looked_at(load_module):
    held = load_module("ansible/plugins/modules/held_packages.py")
    source = load_module("roles/nvidia/library/nvidia_source.py")

    for role in ("docker", "nvidia"):
        assert set(held.apt_files(role, {}, "")) <= set(owned(role)["files"])
    assert {source.KEY, source.SOURCE, source.PREFERENCES} <= set(owned("nvidia")["files"])


def test_what_divides_gpus_after_a_boot_is_looked_at_where_they_are_divided():
    names = ("nvidia__mig_files", "nvidia__mig_folders")
    entries = [entry for name in names for entry in read("nvidia", "vars")[name]]
    # What is in them needs the role's files, and decides nothing here.
    files = [{**entry, "content": ""} for entry in read("nvidia", "vars")["nvidia__mig_files"]]
    looked_at = owned("nvidia", nvidia_divide=True, nvidia__mig_files=files)

    assert len(entries) == 9
    laid_down = [
        entry["path"]
        for name in names
        for entry in rendered("nvidia", name, nvidia__mig_files=files)
    ]
    assert uncovered(laid_down, looked_at["files"]) == []
    assert looked_at["units"] == ["fleet-mig.service"]
    assert owned("nvidia")["units"] == []
    assert uncovered(laid_down, owned("nvidia")["files"]) == laid_down


def test_the_files_and_folders_of_agents_are_looked_at(load_module):
    module = load_module("ansible/plugins/module_utils/fleet_agent_files.py")
    unit = load_module("ansible/plugins/module_utils/fleet_agent_unit.py")
    wanted = {
        "config_directory": "/etc/fleet",
        "data_directory": "/var/lib/fleet/agent",
        "configurations": {group: "" for group, _ in SLOTS},
        "slots": {name: group for group, name in SLOTS},
    }
    plan = {"slots": [{"group": group, "name": name} for group, name in SLOTS]}
    files = owned("clearml_agent", clearml_agent_plan=plan)["files"]

    laid_down = [*module.files_of(wanted, ""), *module.folders_of(wanted)]
    assert uncovered([*laid_down, unit.AgentUnit("fleet").file], files) == []


def test_the_files_and_folders_of_the_upkeep_are_looked_at(load_module):
    module = load_module("roles/upkeep/library/upkeep_timer.py")
    # What is in them needs the templates, and decides nothing here.
    files = [{**file, "text": ""} for file in read("upkeep", "vars")["upkeep__files"]]
    looked_at = owned("upkeep", upkeep__files=files)
    wanted = {
        "files": rendered("upkeep", "upkeep__files", upkeep__files=files),
        "state_directory": "/var/lib/fleet",
    }

    assert len(wanted["files"]) == 4
    everything = [*module.files_of(wanted), *module.folders_of(wanted)]
    assert uncovered(everything, looked_at["files"]) == []
    assert looked_at["units"] == ["fleet-upkeep.timer"]
