"""A node that leaves the fleet keeps nothing of it that starts by itself."""

from __future__ import annotations

import pytest
import yaml

from fleet.paths import REPOSITORY

#: Role → the entry point that takes away its units.
WITH_UNITS = {"clearml_agent": "uninstall", "upkeep": "uninstall", "nvidia": "no_division"}


def test_the_roles_with_units_of_nodes_are_known():
    roles = (REPOSITORY / "roles").glob("*/templates/*.service.j2")
    services = {"clearml_server", "embedded_server", "registry"}
    assert {path.parents[1].name for path in roles} - services == set(WITH_UNITS)


@pytest.mark.parametrize("playbook", ["remove-node", "reset"])
def test_what_starts_by_itself_goes_with_the_node(playbook):
    plays = yaml.safe_load((REPOSITORY / "ansible" / f"{playbook}.yml").read_text())
    tasks = [task for play in plays for task in play["tasks"] if "when" not in task]
    taken = [task["ansible.builtin.import_role"] for task in tasks if _imports(task)]
    entries = {(role["name"], role.get("tasks_from")) for role in taken}
    assert set(WITH_UNITS.items()) <= entries


def _imports(task: dict) -> bool:
    return "ansible.builtin.import_role" in task
