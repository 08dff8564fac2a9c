"""Each playbook that changes something asks first, whatever the tags."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fleet.paths import REPOSITORY

PLAYBOOKS = sorted((REPOSITORY / "ansible").glob("*.yml"))
#: It reads, and changes nothing.
READS = "status.yml"


def _asking(playbook: Path) -> list[dict]:
    plays = yaml.safe_load(playbook.read_text())
    tasks = [task for play in plays for task in play.get("tasks", [])]
    return [task for task in tasks if task.get("ansible.builtin.import_tasks") == "tasks/ask.yml"]


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_what_changes_something_asks_first(playbook):
    asking = _asking(playbook)

    assert len(asking) == (playbook.name != READS)
    assert all(task["tags"] == ["always"] and task["vars"]["ask_what"] for task in asking)
