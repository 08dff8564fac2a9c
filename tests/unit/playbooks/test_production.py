"""Every playbook of the operator's verbs asks for production before it reaches a machine."""

from __future__ import annotations

import pytest
import yaml

from fleet.paths import REPOSITORY

PLAYBOOKS = REPOSITORY / "ansible"
VERBS = (
    "site",
    "images",
    "drain",
    "undrain",
    "upgrade",
    "remove-node",
    "reset",
    "services",
    "smoke",
)
#: It reads, and changes nothing.
READS = "status"


@pytest.fixture
def inventory(tmp_path):
    """One machine of a production fleet, which nobody reaches."""
    machine = {"hosts": {"node": {}}}
    shared = {"fleet_production": True, "ansible_host": "192.0.2.1", "ansible_ssh_timeout": 1}
    shared |= {"fleet_registry": "registry", "fleet_digests_file": f"{tmp_path}/digests.yml"}
    children = {"cpu_nodes": machine, "registries": machine}
    file = tmp_path / "hosts.yml"
    file.write_text(yaml.safe_dump({"all": {"children": children, "vars": shared}}))
    return file


@pytest.mark.parametrize("verb", VERBS)
def test_production_is_asked_for_before_a_machine_is_reached(run_playbook, inventory, verb):
    status, said = run_playbook("-i", inventory, "--limit", "node", f"{verb}.yml")

    assert status == 2, said
    assert "Nothing was done: nobody said yes to this: " in said
    assert "-e fleet_yes=true" in said
    assert "unreachable=0" in said


def test_each_verb_has_its_playbook_and_there_is_no_other():
    assert {path.stem for path in PLAYBOOKS.glob("*.yml")} == {*VERBS, READS}
