"""What `site.yml` compares a node by covers what the roles lay down there."""

import yaml

from fleet.paths import REPOSITORY


def owned(role):
    file = REPOSITORY / "roles" / role / "vars" / "main.yml"
    return yaml.safe_load(file.read_text())[f"{role}__owns"]


def test_each_package_that_is_held_is_looked_at():
    assert owned("docker")["packages"] == "{{ docker__packages.keys() | list }}"
    assert owned("nvidia")["packages"] == "{{ nvidia__names }}"


def test_the_files_by_which_apt_is_told_are_looked_at(load_module):
    held = load_module("ansible/plugins/modules/held_packages.py")
    source = load_module("roles/nvidia/library/nvidia_source.py")

    for role in ("docker", "nvidia"):
        assert set(held.apt_files(role, {}, "")) <= set(owned(role)["files"])
    assert {source.KEY, source.SOURCE, source.PREFERENCES} <= set(owned("nvidia")["files"])


def test_the_files_and_shared_folders_of_agents_are_looked_at(load_module):
    module = load_module("roles/clearml_agent/library/agent_project.py")
    wanted = {
        "project": "fleet",
        "config_directory": "{{ clearml_agent_config_directory }}",
        "data_directory": "{{ clearml_agent_data_directory }}",
        "configurations": {"*": ""},
        "slots": {},
        "unit": "[Unit]",
    }
    names = {"{{ clearml_agent__wishes }}": "{{ clearml_agent_config_directory }}/wishes"}
    files = {names.get(name, name) for name in owned("clearml_agent")["files"]}
    laid_down = {
        path.replace("/*.clearml.conf", "/*clearml.conf").replace(
            "fleet-agents.service", "{{ clearml_agent__unit }}"
        )
        for path in module.files_of(wanted, "")
    }

    assert laid_down <= files
    folders = module.folders_of({**wanted, "configurations": {}})
    assert set(folders) <= files
