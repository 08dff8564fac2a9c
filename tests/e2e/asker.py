"""Requests to a fleet's server from a process of its own, since the SDK knows one server.

The process stays: a new one would take seconds to import the SDK and to log in.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
from typing import Any

from fleet.clearml_api import connect
from fleet.paths import REPOSITORY

_SECONDS = 120


class Asker:
    """A process that asks the server of the fleet that its environment names.

    Parameters
    ----------
    environment : dict of str to str
        Of the process.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
        """What the server answers; that it does not, or refuses, fails the test."""
        self._process.stdin.write(f"{json.dumps([endpoint, body])}\n")
        self._process.stdin.flush()
        assert select.select([self._process.stdout], [], [], _SECONDS)[0], f"no answer: {endpoint}"
        answer = json.loads(self._process.stdout.readline())
        assert "data" in answer, answer["error"]
        return answer["data"]

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def main() -> None:
    """Ask what each line of the input says, and write the answer as a line."""
    api = None
    for line in sys.stdin:
        endpoint, body = json.loads(line)
        try:
            api = api or connect()
            answer = {"data": api.call(endpoint, **body)}
        except Exception as error:
            api, answer = None, {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
