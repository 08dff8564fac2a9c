"""`python3 FOLDER execute … --id TASK`: takes the arguments of `clearml_agent`."""

from __future__ import annotations

import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))


def run() -> int:
    """Be `clearml_agent`, sooner."""
    # Started by its path, so that no variable of the environment passes on to the task's own code.
    sys.path[0] = os.path.dirname(FOLDER)
    from fleet_task.imports import without_package_tools

    without_package_tools()  # before anything of the agent is imported
    from fleet_task.configuration import read_quickly

    read_quickly()
    import clearml_agent.helper.process
    from clearml_agent import commands
    from clearml_agent.__main__ import main

    from fleet_task.worker import TaskWorker

    commands.Worker = TaskWorker
    # A service's agent starts one more of its kind, which runs the task.
    again = [sys.executable, "-u", FOLDER]
    clearml_agent.helper.process.get_program_invocation = lambda: again
    return main()


if __name__ == "__main__":
    sys.exit(run())
