"""The smoke task itself: it makes the checks, shows them, and fails where one failed."""

from __future__ import annotations

import os
from dataclasses import asdict

from clearml import Task

from ml.runtime.errors import UserError
from ml.runtime.parameters import parse
from ml.runtime.server import Server
from ml.smoke import RESULTS_OBJECT
from ml.smoke.checks import Result, check_all, report
from ml.smoke.parameters import Parameters

_REASON = "smoke"


def main() -> int:
    """Run as the task that the agent started; gives the exit status."""
    task = Task.init(
        auto_connect_arg_parser=False,
        auto_connect_frameworks=False,
        auto_resource_monitoring=False,
    )
    try:
        parameters = parse(Parameters, task.get_parameters())
    except UserError as error:
        results = [Result("parameters", False, str(error))]
    else:
        results = list(check_all(parameters.Expected, os.environ))
    print(report(results), flush=True)
    Server(task.session).set_configuration(
        task.id, RESULTS_OBJECT, [asdict(result) for result in results]
    )
    failed = [result for result in results if not result.ok]
    task.flush(wait_for_uploads=True)
    if failed:
        message = f"{len(failed)} of {len(results)} checks failed: " + ", ".join(
            result.name for result in failed
        )
        task.mark_failed(status_reason=_REASON, status_message=message, force=True)
    return 1 if failed else 0
