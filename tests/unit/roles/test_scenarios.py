"""Each role has a scenario of Molecule that asserts, and can be validated and uninstalled."""

from __future__ import annotations

import pytest
import yaml

from fleet.paths import REPOSITORY
from tests.molecule.nodes import IMAGES

ROLES = sorted(path.parent.name for path in (REPOSITORY / "roles").glob("*/tasks"))
MOLECULE = REPOSITORY / "molecule"
#: Roles that leave nothing behind, and so have nothing to uninstall.
PUT_NOTHING_THERE = ("preflight", "smoke")
#: What each scenario does, in this order.
STEPS = ["check", "converge", "idempotence", "verify", "side_effect"]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_a_scenario_that_asserts_and_can_be_validated_and_uninstalled(role):
    verify = (MOLECULE / role / "tasks" / "verify.yml").read_text()
    assert "ansible.builtin.assert:" in verify
    entries = {path.stem for path in (REPOSITORY / "roles" / role / "tasks").glob("*.yml")}
    assert "validate" in entries
    assert ("uninstall" in entries) != (role in PUT_NOTHING_THERE)


@pytest.mark.parametrize("role", ROLES)
def test_no_scenario_leaves_out_a_step(role):
    shared = yaml.safe_load((REPOSITORY / ".config" / "molecule" / "config.yml").read_text())
    own = yaml.safe_load((MOLECULE / role / "molecule.yml").read_text()) or {}
    sequence = own.get("scenario", shared["scenario"])["test_sequence"]
    assert [step for step in sequence if step in STEPS] == STEPS
    assert "ansible" not in own, "playbooks of its own"


def test_there_is_no_scenario_without_a_role():
    scenarios = {path.parent.name for path in MOLECULE.glob("*/molecule.yml")}
    assert scenarios - {"default"} == set(ROLES)


def test_every_scenario_works_on_both_releases_of_debian():
    inventory = yaml.safe_load((MOLECULE / "inventory.yml").read_text())
    images = yaml.safe_load((REPOSITORY / "images" / "images.yml").read_text())
    bases = yaml.safe_load((REPOSITORY / "images" / "bases.yml").read_text())

    assert set(inventory["all"]["children"]["nodes"]["hosts"]) == set(IMAGES)
    found = {node: bases[images[image]["from"]]["image"] for node, image in IMAGES.items()}
    assert found == {"debian-12": "debian:bookworm-slim", "debian-13": "debian:trixie-slim"}
