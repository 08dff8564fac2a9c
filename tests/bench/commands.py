"""What commands cost: seconds by the clock and of CPU, and memory; each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).parents[2]
_MEGABYTE = 1e6
# a process counts as its own the memory that its parent held when it was made: a small parent
_MEASURE = """\
import json, os, sys, time
started = time.monotonic()
nowhere = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[nowhere])
_, status, used = os.wait4(pid, 0)
seconds = time.monotonic() - started
cpu = used.ru_utime + used.ru_stime
print(json.dumps([os.waitstatus_to_exitcode(status), seconds, cpu, used.ru_maxrss * 1024]))
"""


class Cost(NamedTuple):
    """What a command took: seconds by the clock and of CPU, and bytes that it held at most."""

    seconds: float
    cpu_seconds: float
    peak: int


def phase(name: str, out: Path, *fields: str) -> list[object]:
    """The command that runs a phase into a folder."""
    settings = [part for field in fields for part in ("--set", field)]
    return [sys.executable, "-m", "ml", name, "--out", out, *settings]


def measured(command: Iterable[object]) -> tuple[float, int]:
    """Seconds that a command took, and the most memory that it held, in bytes."""
    found = cost(command)
    return found.seconds, found.peak


def cost(command: Iterable[object], environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command, with a few more environment variables, and measure it.

    Raises
    ------
    RuntimeError
        It failed.
    """
    words = [str(word) for word in command]
    done = subprocess.run(
        [sys.executable, "-S", "-c", _MEASURE, *words],
        env={**os.environ, "PYTHONPATH": str(_ROOT), **(environment or {})},
        check=True,
        capture_output=True,
        text=True,
    )
    status, *numbers = json.loads(done.stdout)
    if status:
        raise RuntimeError(f"{' '.join(words)} failed: {done.stderr[-2000:]}")
    return Cost(*numbers)


def in_turns(
    what: str,
    commands: Mapping[str, Iterable[object]],
    rounds: int,
    echo: Callable[[str], None],
    environment: Mapping[str, str] | None = None,
) -> dict[str, list[Cost]]:
    """Name → what its command cost, once per round; the commands take turns.

    Where other work takes the CPU, its seconds compare better than those of the clock.
    """
    costs: dict[str, list[Cost]] = {who: [] for who in commands}
    for _ in range(rounds):
        for who, command in commands.items():
            found = cost(command, environment)
            costs[who].append(found)
            echo(
                f"{what}, {who}: {found.seconds:.2f} s, {found.cpu_seconds:.2f} s of CPU, "
                f"{found.peak / _MEGABYTE:.0f} MB"
            )
    return costs
