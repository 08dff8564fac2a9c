"""`fleet-agent state` and `fleet-agent smoke TASK`: what one asks an agent in its container."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from fleet_agent.handed import hand
from fleet_agent.state import STANDING_BY, read_state

NOT_TAKEN = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer on one line of JSON.

    Returns
    -------
    int
        0 for a state, and for a task that completed; 1 for one that did not; 3 when the agent did
        not begin with the task in time.
    """
    parser = argparse.ArgumentParser(prog="fleet-agent")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("state", help="what the agent is doing")
    smoke = verbs.add_parser("smoke", help="have the agent run a draft, and wait for its end")
    smoke.add_argument("task", help="the id of a task that is a draft")
    smoke.add_argument(
        "--wait", type=float, default=60, metavar="SECONDS", help="for the agent to be free"
    )
    given = parser.parse_args(arguments)
    folder = Path(os.environ.get("FLEET_AGENT_STATE", "/run/fleet-agent"))
    if given.verb == "state":
        print(json.dumps(read_state(folder) or {"state": STANDING_BY, "task": None}))
        return 0
    return _smoke(folder, given.task, given.wait)


def _smoke(folder: Path, task: str, wait: float) -> int:
    answer = hand(folder / "handed", task, wait)
    if answer is None:
        state = (read_state(folder) or {"state": STANDING_BY})["state"]
        message = f"the agent is {state} and did not begin within {wait:g} s"
        print(json.dumps({"task": task, "status": None, "message": message}))
        return NOT_TAKEN
    print(json.dumps(answer))
    return 0 if answer["status"] == "completed" else 1


if __name__ == "__main__":
    sys.exit(main())
