"""queues.yml and an inventory against a fleet that runs: what differs is seen, and put right.

Uses the fleet of the other tests, before the last of them takes it down.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.paths import REPOSITORY, STATE

_EQUAL, _DRIFT = 0, 2


@pytest.fixture
def inventory() -> Iterator[Path]:
    """A copy of the local inventory, as deep in the checkout as the original."""
    copy = STATE / "e2e-inventory"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(REPOSITORY / "inventories" / "local", copy)
    yield copy
    shutil.rmtree(copy)


def test_a_fleet_that_was_just_provisioned_is_what_was_declared(fleet):
    done = fleet.cli("plan")
    assert done.returncode == _EQUAL, done.stdout + done.stderr
    assert "No differences" in done.stdout


def test_one_line_of_the_inventory_adds_a_node(fleet, inventory):
    hosts = inventory / "hosts.yml"
    text = hosts.read_text()
    hosts.write_text(text.replace("        cpu-1:\n", "        cpu-1:\n        cpu-2:\n"))
    assert len(hosts.read_text().splitlines()) == len(text.splitlines()) + 1

    found = fleet.cli("plan", "-i", str(inventory))
    assert found.returncode == _DRIFT, found.stdout + found.stderr
    assert "+ cpu-2:0" in found.stdout
    assert "2 to add, 0 to change, 0 to remove, 0 unknown" in found.stdout

    started = fleet.on_node(
        "cpu-1", "docker", "inspect", "-f", "{{.State.StartedAt}}", "fleet-cpu-1-0"
    )
    done = fleet.playbook("-i", str(inventory), "site.yml", "--limit", "cpu-2")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    again = fleet.playbook("-i", str(inventory), "site.yml", "--limit", "cpu-2")
    assert "changed=0" in again.stdout, again.stdout[-4000:]

    equal = fleet.cli("plan", "-i", str(inventory))
    assert equal.returncode == _EQUAL, equal.stdout + equal.stderr
    assert "cpu-2:1" in fleet.on_node("cpu-2", "docker", "inspect", "fleet-cpu-2-1")
    # Nobody else was touched.
    assert started == fleet.on_node(
        "cpu-1", "docker", "inspect", "-f", "{{.State.StartedAt}}", "fleet-cpu-1-0"
    )


def test_a_node_whose_line_is_gone_is_unknown_until_its_machine_is(fleet):
    found = fleet.cli("plan", "--json")
    assert found.returncode == _DRIFT
    assert '"cpu-2:0"' in found.stdout
    done = fleet.cli("local", "nodes", "--prune")
    assert done.returncode == 0, done.stderr
    assert "cpu-2" in done.stdout


def test_an_agent_that_was_stopped_by_hand_shows(fleet):
    fleet.on_node("cpu-1", "docker", "stop", "fleet-cpu-1-1")
    try:
        found = fleet.cli("plan")
        assert found.returncode == _DRIFT, found.stdout + found.stderr
        assert "+ cpu-1:1" in found.stdout
    finally:
        done = fleet.playbook("site.yml", "--limit", "cpu-1")
    assert done.returncode == 0, done.stdout[-4000:]
    assert "+ cpu-1:1" not in fleet.cli("plan").stdout


def test_a_stray_queue_shows_and_is_pruned_only_when_that_is_asked_for(fleet):
    fleet.api("queues.create", name="stray-queue")
    found = fleet.cli("plan")
    assert found.returncode == _DRIFT, found.stdout + found.stderr
    assert "? stray-queue" in found.stdout

    kept = fleet.playbook("site.yml", "--tags", "queues")
    assert "stray-queue: empty, nobody polls it" in " ".join(kept.stderr.split())
    assert "stray-queue" in _queues(fleet)

    pruned = fleet.playbook("site.yml", "--tags", "queues", "-e", "fleet_prune=true")
    assert pruned.returncode == 0, pruned.stdout[-4000:]
    assert "stray-queue" not in _queues(fleet)


def _queues(fleet) -> set[str]:
    return {queue["name"] for queue in fleet.api("queues.get_all")["queues"]}
