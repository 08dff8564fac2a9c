"""Benchmarks: `make bench`, or `make bench NAME=local-fleet`.

Each prints a table for people and, as its last line, one JSON object with its figures. They assert
nothing: a figure is compared by a reader who knows the machine.
"""

from __future__ import annotations

import importlib
import json
import signal
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

BENCHMARKS = {
    path.stem.removeprefix("bench_").replace("_", "-"): path.stem
    for path in sorted(Path(__file__).parent.glob("bench_*.py"))
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, by default all."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(
            f"error: no benchmark '{unknown[0]}'\n  fix: name one of: {', '.join(BENCHMARKS)}",
            file=sys.stderr,
        )
        return 2
    # What a benchmark has started, it also ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for name in names or BENCHMARKS:
        benchmark = importlib.import_module(f"tests.bench.{BENCHMARKS[name]}")
        figures = benchmark.run(lambda line: print(f"  {line}", file=sys.stderr, flush=True))
        table = Table("figure", "value", title=name)
        for key, value in figures.items():
            table.add_row(key, f"{value:.3g}" if isinstance(value, float) else str(value))
        Console().print(table)
        print(json.dumps({"benchmark": name, **figures}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
