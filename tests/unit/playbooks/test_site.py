"""What `site.yml` tells before it reaches a machine, or the server."""

from __future__ import annotations

import pytest
import yaml

from fleet.images.digests import Pushed, update
from tests.own_contract import SPEC_FILE


@pytest.fixture
def site(run_playbook, tmp_path):
    """Run site.yml for hosts that nobody reaches: exit status, and what it said."""
    digests = tmp_path / "digests.yml"
    pushed = Pushed(repository="fleet/x", digest=f"sha256:{64 * 'a'}", inputs=64 * "b")
    update(dict.fromkeys(("agent", "cpu", "cuda"), pushed), digests)
    shared = {
        "ansible_host": "192.0.2.1",
        "ansible_ssh_timeout": 1,
        "fleet_queues_file": str(SPEC_FILE),
        "fleet_digests_file": str(digests),
        "fleet_registry": "registry:5000",
        "queues_config_file": str(tmp_path / "none.conf"),
    }

    def run(groups, *options):
        children = {group: {"hosts": hosts} for group, hosts in groups.items()}
        inventory = tmp_path / "hosts.yml"
        inventory.write_text(yaml.safe_dump({"all": {"children": children, "vars": shared}}))
        return run_playbook("-i", inventory, *options, "site.yml")

    return run


def test_what_is_wrong_with_all_hosts_is_told_at_once_and_none_is_reached(site):
    bad = {"clearml_agent_config_directory": "/srv/a fleet"}
    status, said = site({"cpu_nodes": {"cpu-1": bad, "cpu-2": {}}, "printers": {"printer-1": {}}})

    assert status == 2
    assert "of cpu-1 cannot be a folder of the agents" in said
    assert "printer-1 has no slot" in said
    assert "unreachable=0" in said
    assert "the queues are declared" not in said


def test_only_the_hosts_that_are_meant_count(site):
    bad = {"clearml_agent_config_directory": "/srv/a fleet"}
    status, said = site({"cpu_nodes": {"cpu-1": bad, "cpu-2": {}}}, "--limit", "cpu-2")

    # It goes on to the server, which is not there.
    assert status == 2
    assert "cpu-1" not in said
    assert "the queues are declared" in said
