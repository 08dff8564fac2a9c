"""Artifacts of a run's tasks: its report, and the summary that the tables are printed from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from fleet.clearml_api import Api
from fleet.errors import FleetError
from fleet.runs.model import Run
from ml.runtime import conventions


def save_report(api: Api, run: Run, file: Path) -> Path:
    """Save a run's HTML report: the inference-summary's, which holds the training's too.

    Parameters
    ----------
    api : Api
        The server.
    run : Run
        The run.
    file : path
        Where to; folders are made.

    Raises
    ------
    FleetError
        The run has no report (yet).
    """
    for task_id in (run.inference_summary, run.training_summary):
        uri = task_id and _uri(api, task_id, conventions.ARTIFACT_REPORT)
        if uri:
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(_download(uri), file)
            return file
    raise FleetError(
        f"the run {run.run_id} has no report",
        where=api.url,
        mend=f"see what became of it: fleet show {run.run_id}",
    )


def training_summary(api: Api, run: Run) -> dict[str, Any] | None:
    """What the run's training-summary wrote: `metric`, `best`, `leaderboard`, `failed`."""
    uri = run.training_summary and _uri(api, run.training_summary, conventions.ARTIFACT_SUMMARY)
    return read_json(uri) if uri else None


def read_json(uri: str) -> Any:
    """What an artifact that is JSON says."""
    return json.loads(_download(uri).read_text("utf-8"))


def _uri(api: Api, task_id: str, key: str) -> str | None:
    task = api.call("tasks.get_by_id", task=task_id)["task"]
    artifacts = (task.get("execution") or {}).get("artifacts") or ()
    return next((item.get("uri") for item in artifacts if item["key"] == key), None)


def _download(uri: str) -> Path:
    # Imported late: the SDK reads its configuration, which `connect` has set, when imported.
    from clearml import StorageManager

    copy = StorageManager.get_local_copy(uri, extract_archive=False)
    if copy is None:
        raise FleetError(
            "an artifact cannot be downloaded",
            where=uri,
            mend="see that the file server answers: fleet local status",
        )
    return Path(copy)
