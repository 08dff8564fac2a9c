"""What a person sees while a local fleet comes up: one line for each action, with its seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_NAME_WIDTH = 12


class Progress:
    """Prints the actions as they end, and what they say in between.

    Parameters
    ----------
    echo : callable
        Takes one line.
    total : int
        How many actions there will be.
    """

    def __init__(self, echo: Callable[[str], None], total: int) -> None:
        self.echo = echo
        self.total = total
        self.seconds: dict[str, float] = {}

    def say(self, line: str) -> None:
        """Print a line that belongs to the action that runs."""
        self.echo(f"         {line}")

    @contextmanager
    def action(self, name: str) -> Iterator[list[str]]:
        """Time an action; it appends to the list that it gets what its line should add."""
        note: list[str] = []
        number = len(self.seconds) + 1
        started = time.monotonic()
        outcome = "failed"
        try:
            yield note
            outcome = ", ".join(note)
        finally:
            seconds = self.seconds[name] = time.monotonic() - started
            count = f"[{number}/{self.total}]".rjust(7)
            line = f"{count}  {name.ljust(_NAME_WIDTH)}{seconds:6.1f} s  {outcome}"
            self.echo(line.rstrip())
