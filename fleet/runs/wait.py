"""Wait for a run, and tell each change as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable

from fleet.clearml_api import Api
from fleet.errors import FleetError
from fleet.runs.model import Run
from fleet.runs.read import read_run

_POLL_SECONDS = 1.0
# An agent takes work up within seconds: one that does not for so long is gone or busy.
_TELL_QUEUED_SECONDS = 30.0


def wait(
    api: Api,
    run_id: str,
    *,
    seconds: float | None = None,
    echo: Callable[[str], None] = lambda line: None,
) -> Run:
    """Wait until a run has ended.

    Parameters
    ----------
    api : Api
        The server.
    run_id : str
        The run.
    seconds : float, optional
        Give up after so long; the run goes on.
    echo : callable
        Takes a line for each step that changes its status.

    Raises
    ------
    FleetError
        The time is up.
    """
    started = time.monotonic()
    seen: dict[str, str] = {}
    told_queued = False
    while True:
        run = read_run(api, run_id)
        elapsed = time.monotonic() - started
        for step in run.steps:
            if step.status != seen.get(step.task_id) and step.status != "created":
                seen[step.task_id] = step.status
                where = f" on {step.node}" if step.node and step.status != "queued" else ""
                echo(f"{elapsed:6.1f} s  {step.short_name(run_id)}: {step.status}{where}")
        if run.finished:
            return run
        if not told_queued and elapsed > _TELL_QUEUED_SECONDS and run.status == "queued":
            told_queued = True
            echo(f"{elapsed:6.1f} s  still queued: its agent is busy with other work, or gone")
        if seconds is not None and elapsed > seconds:
            raise FleetError(
                f"run {run_id} has not ended after {seconds:.0f} s; it goes on",
                where=api.url,
                mend=f"see it: fleet show {run_id}",
            )
        time.sleep(_POLL_SECONDS)
