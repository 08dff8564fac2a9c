"""A million rows of 40 mixed columns: what a phase takes beside the bare work by its libraries.

Each measurement is a process of its own, imports and all, on the same file and the same machine;
the two take turns, and the least time of each counts.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from tests.bench import tables

ROWS = 1_000_000
ROUNDS = 3
_ROOT = Path(__file__).parents[2]
_MEGABYTE = 1e6

# what registration cannot do without: read, look at each column, write
BARE_REGISTRATION = """\
import sys
import pyarrow as pa, pyarrow.compute as pc
from pyarrow import csv, parquet
table = csv.read_csv(sys.argv[1])
for column in table.columns:
    column.null_count
    pc.count_distinct(column)
    if not pa.types.is_boolean(column.type):
        pc.min_max(column)
parquet.write_table(table, sys.argv[2])
"""


def run(echo: Callable[[str], None]) -> dict[str, float]:
    """Measure seconds and peak memory of phases, and their ratios to the bare work's."""
    figures: dict[str, float] = {"rows": ROWS, "load_average": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "large.csv"
        echo(f"writing {ROWS} rows")
        tables.write_csv(source, ROWS)
        size = source.stat().st_size
        figures["file_mb"] = size / _MEGABYTE
        bare = [sys.executable, "-c", BARE_REGISTRATION, source, folder / "bare.parquet"]
        fields = (f"Data/source={source}", f"Data/target={tables.TARGET}")
        ours = phase("data-registration", folder / "registered", *fields)
        figures |= compared("registration", bare, ours, size, echo)
        dataset = folder / "registered" / "dataset"
        bare = [sys.executable, "-m", "tests.bench.bare_preparation", dataset, folder / "parts"]
        ours = phase("preprocessing", folder / "prepared", f"Input/dataset_id={dataset}")
        figures |= compared("preprocessing", bare, ours, size, echo)
    return figures


def phase(name: str, out: Path, *fields: str) -> list[object]:
    """The command that runs a phase into a folder."""
    settings = [part for field in fields for part in ("--set", field)]
    return [sys.executable, "-m", "ml", name, "--out", out, *settings]


def compared(
    what: str,
    bare: Iterable[object],
    ours: Iterable[object],
    file_bytes: int,
    echo: Callable[[str], None],
) -> dict[str, float]:
    """Seconds, seconds of CPU and peak memory of two commands that take turns.

    Where other work takes the CPU, its seconds compare better than those of the clock.

    Parameters
    ----------
    what : str
        The prefix of the figures.
    bare, ours : iterable
        Commands.
    file_bytes : int
        What memory is compared with.
    """
    costs: dict[str, list[Cost]] = {"bare": [], "ours": []}
    for _ in range(ROUNDS):
        for who, command in (("bare", bare), ("ours", ours)):
            found = cost(command)
            costs[who].append(found)
            echo(
                f"{what}, {who}: {found.seconds:.2f} s, {found.cpu_seconds:.2f} s of CPU, "
                f"{found.peak / _MEGABYTE:.0f} MB"
            )
    least = {who: min(one.seconds for one in found) for who, found in costs.items()}
    least_cpu = {who: min(one.cpu_seconds for one in found) for who, found in costs.items()}
    peaks = {who: max(one.peak for one in found) for who, found in costs.items()}
    return {
        f"{what}_bare_s": least["bare"],
        f"{what}_s": least["ours"],
        f"{what}_to_bare": least["ours"] / least["bare"],
        f"{what}_bare_cpu_s": least_cpu["bare"],
        f"{what}_cpu_s": least_cpu["ours"],
        f"{what}_cpu_to_bare": least_cpu["ours"] / least_cpu["bare"],
        f"{what}_bare_mb": peaks["bare"] / _MEGABYTE,
        f"{what}_mb": peaks["ours"] / _MEGABYTE,
        f"{what}_memory_to_file": peaks["ours"] / file_bytes,
    }


class Cost(NamedTuple):
    """What a command took: seconds by the clock and of CPU, and bytes that it held at most."""

    seconds: float
    cpu_seconds: float
    peak: int


def measured(command: Iterable[object]) -> tuple[float, int]:
    """Seconds that a command took, and the most memory that it held, in bytes."""
    found = cost(command)
    return found.seconds, found.peak


def cost(command: Iterable[object]) -> Cost:
    """Run a command and measure it.

    Raises
    ------
    RuntimeError
        It failed.
    """
    words = [str(word) for word in command]
    started = time.monotonic()
    pid = os.posix_spawn(
        words[0],
        words,
        {**os.environ, "PYTHONPATH": str(_ROOT)},
        # what the phase prints is not the benchmark's
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - started
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{' '.join(words)} failed")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
