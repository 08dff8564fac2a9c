"""Ansible callback: how many tasks each host executed, skipped ones too, and items of loops."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: count_tasks
type: aggregate
short_description: Count task executions for each host
description: Writes them as JSON to the file that the environment's COUNT_TASKS_FILE names.
"""


class CallbackModule(CallbackBase):
    """Counts, and writes at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "count_tasks"

    def __init__(self) -> None:
        super().__init__()
        self._tasks: Counter[str] = Counter()
        self._items: Counter[str] = Counter()

    def _task(self, result, **_) -> None:
        self._tasks[result._host.get_name()] += 1

    def _item(self, result) -> None:
        self._items[result._host.get_name()] += 1

    v2_runner_on_ok = v2_runner_on_failed = v2_runner_on_skipped = v2_runner_on_unreachable = _task
    v2_runner_item_on_ok = v2_runner_item_on_failed = v2_runner_item_on_skipped = _item

    def v2_playbook_on_stats(self, _stats) -> None:
        """Write what was counted."""
        found = {"tasks": self._tasks, "items": self._items}
        Path(os.environ["COUNT_TASKS_FILE"]).write_text(json.dumps(found))
