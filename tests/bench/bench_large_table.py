"""A million rows of 40 mixed columns: what a phase takes beside the bare work by its libraries.

Each measurement is a process of its own, imports and all, on the same file and the same machine;
the two take turns, and the least time of each counts.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.bench import tables
from tests.bench.commands import in_turns, phase

ROWS = 1_000_000
ROUNDS = 3
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


def compared(
    what: str,
    bare: Iterable[object],
    ours: Iterable[object],
    file_bytes: int,
    echo: Callable[[str], None],
) -> dict[str, float]:
    """Seconds, seconds of CPU and peak memory of two commands that take turns.

    Parameters
    ----------
    what : str
        The prefix of the figures.
    bare, ours : iterable
        Commands.
    file_bytes : int
        What memory is compared with.
    """
    costs = in_turns(what, {"bare": bare, "ours": ours}, ROUNDS, echo)
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
