"""services.yml before it connects: groups, settings, and what site.yml makes of such machines."""

from __future__ import annotations

import pytest
import yaml

from fleet.agents import agent_problems
from fleet.paths import REPOSITORY
from fleet.services import GROUPS

PLAYBOOKS = REPOSITORY / "ansible"
NO_SLOT = {"slots": [], "unknown_gpus": [], "disabled": ""}


@pytest.fixture
def services(run_playbook, tmp_path):
    """Run services.yml, on machines that nobody reaches."""

    def run(groups, *options):
        hosts = {group: {"hosts": machines} for group, machines in groups.items()}
        shared = {"ansible_host": "192.0.2.1", "ansible_ssh_timeout": 1, "fleet_yes": True}
        inventory = tmp_path / "hosts.yml"
        inventory.write_text(yaml.safe_dump({"all": {"children": hosts, "vars": shared}}))
        return run_playbook("-i", inventory, *options, "services.yml")

    return run


def test_without_such_groups_it_does_nothing(services):
    status, said = services({"cpu_nodes": {"cpu-1": {}}})

    assert status == 0
    assert "cpu-1 :" not in said


@pytest.mark.parametrize(
    ("group", "variables", "words"),
    [
        ("registries", {"registry_address": "0.0.0.0"}, "registry_address is not loopback"),
        ("registries", {"registry_tls_key": "/key.pem"}, "give both registry_tls_certificate"),
        ("registries", {"registry_htpasswd": ["me:plain"]}, "as `htpasswd -nB NAME` prints it"),
        ("embedded_servers", {"embedded_server_address": "0.0.0.0"}, "how it is reached"),
        ("embedded_servers", {"embedded_server_port": 8081}, "choose two ports"),
        ("clearml_servers", {}, "clearml_server_digests"),
        (
            "clearml_servers",
            {"clearml_server_digests": {"mongo:6.0.19": "latest"}, "clearml_server_secrets": {}},
            "redis:7.4.1; give clearml_server_secrets each of these with 30 characters or more: "
            "session, token,",
        ),
    ],
)
def test_what_is_wrong_is_told_before_any_machine_is_reached(services, group, variables, words):
    status, said = services({group: {"machine": variables}})

    assert status == 2
    assert words in said
    assert "unreachable=0" in said


@pytest.mark.parametrize(
    ("group", "variables"),
    [
        ("registries", {"registry_address": "127.0.0.1"}),
        (
            "registries",
            {
                "registry_address": "0.0.0.0",
                "registry_tls_certificate": "/etc/ssl/certificate.pem",
                "registry_tls_key": "/etc/ssl/key.pem",
                "registry_htpasswd": ["fleet:$2y$05$" + "a" * 53, "other:$2b$12$" + "." * 53],
            },
        ),
        ("embedded_servers", {}),
    ],
)
def test_what_is_right_goes_on_to_the_machine(services, group, variables):
    status, said = services({group: {"machine": variables}})

    assert status == 4
    assert "unreachable=1" in said


def test_a_password_in_plain_text_is_not_repeated(services):
    variables = {"registry_htpasswd": ["me:a-plain-password"]}
    status, said = services({"registries": {"machine": variables}}, "-vvv")

    assert status == 2
    assert "a-plain-password" not in said


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_has_its_play_and_needs_no_slot(group):
    plays = yaml.safe_load((PLAYBOOKS / "services.yml").read_text())

    assert group in [play["hosts"] for play in plays]
    assert agent_problems("machine", NO_SLOT, [group], [], []) == []
    assert len(agent_problems("machine", NO_SLOT, ["printers"], [], [])) == 1
