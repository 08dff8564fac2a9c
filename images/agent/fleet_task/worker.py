"""The real agent's worker, where a task's start needs it to be quicker."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from clearml_agent.commands.worker import Worker

from fleet_task.checkout import from_cache
from fleet_task.configuration import for_sdk


class TaskWorker(Worker):
    """`clearml_agent execute` with the step code from the node's cache."""

    def _get_repo_info(self, execution: Any, task: Any, venv_folder: str) -> Any:
        folder = Path(venv_folder, "task_repository")
        found = None if self._standalone_mode else from_cache(self._session, execution, folder)
        return found or super()._get_repo_info(execution, task, venv_folder)

    def _get_job_os_envs(self, current_task: Any, log_level: Any) -> dict[str, str]:
        """The environment of the task's code; its configuration is a small file, quickly read."""
        config = for_sdk(self._session.config.to_dict())
        handle, small = tempfile.mkstemp(prefix="clearml.", suffix=".conf")
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(config, file)
        whole = str(self._session.config_file)
        variables = super()._get_job_os_envs(current_task, log_level)
        return {name: small if value == whole else value for name, value in variables.items()}
