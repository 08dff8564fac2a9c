"""The declared slots, printed as their plans pass by: a big fleet is never held as a whole."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import IO, Any

from rich.table import Table
from rich.text import Text

from fleet.cli import options
from fleet.drift.model import short
from fleet.plan import NodePlan, as_data

# With more slots than a screen holds, a line for each node tells more than one for each slot.
_MOST_ROWS = 40
_IN_MEMORY = 4 << 20


def waiting_room() -> AbstractContextManager[IO[str]]:
    """Room for what is printed at the end: a node without a plan must not leave half an answer.

    A file, once it is big.
    """
    return tempfile.SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8")


class Slots(ABC):
    """What is declared, on its way to stdout; nothing is written there before :meth:`show`.

    Parameters
    ----------
    kept : file
        Where it waits, from :func:`waiting_room`.

    Attributes
    ----------
    nodes, slots : int
        How many have passed.
    """

    def __init__(self, kept: IO[str]) -> None:
        self.nodes = self.slots = 0
        self._kept = kept

    def pass_on(self, plans: Iterable[NodePlan]) -> Iterator[NodePlan]:
        """The same plans; each is noted on its way."""
        for plan in plans:
            self._note(plan)
            self.nodes += 1
            self.slots += len(plan.slots)
            yield plan

    @abstractmethod
    def _note(self, plan: NodePlan) -> None:
        """Put a plan into the waiting room."""

    def _copy_out(self) -> None:
        self._kept.seek(0)
        shutil.copyfileobj(self._kept, sys.stdout)


class SlotsAsJson(Slots):
    """One object: `nodes`, and what :meth:`show` is given."""

    def _note(self, plan: NodePlan) -> None:
        start = ",\n  " if self.nodes else "\n  "
        self._kept.write(start + json.dumps(as_data(plan)))

    def show(self, rest: dict[str, Any]) -> None:
        """Print it all."""
        self._kept.write("\n ],\n")
        for last, (key, value) in enumerate(rest.items(), start=1 - len(rest)):
            self._kept.write(f' "{key}": {json.dumps(value, indent=1)}{"" if last == 0 else ","}\n')
        sys.stdout.write('{\n "nodes": [')
        self._copy_out()
        print("}")


class SlotsAsTable(Slots):
    """A table with a row for each slot, or a line for each node of a big fleet."""

    def __init__(self, kept: IO[str]) -> None:
        super().__init__(kept)
        self._rows: list[NodePlan] | None = []

    def _note(self, plan: NodePlan) -> None:
        if self._rows is None:
            self._kept.write(_line(plan))
            return
        self._rows.append(plan)
        if self.slots + len(plan.slots) > _MOST_ROWS or len(self._rows) > _MOST_ROWS:
            self._kept.writelines(map(_line, self._rows))
            self._rows = None

    def show(self) -> None:
        """Print it."""
        if self._rows is None:
            self._copy_out()
            print(f"{self.nodes} nodes, {self.slots} slots")
            return
        table = Table("node", "slot", "queues, in order", "image", "GPUs")
        for plan in self._rows:
            for slot in plan.slots:
                name = f"{slot.worker_id} (services)" if slot.services else slot.worker_id
                image = f"{slot.image_name} {short(slot.image.partition('@')[2])}"
                gpus = ", ".join(slot.devices) or "-"
                _add(table, plan.node, name, ", ".join(slot.queues), image, gpus)
            for remark in _remarks(plan):
                _add(table, plan.node, remark, "", "", "")
        options.console().print(table)


def _add(table: Table, *cells: str) -> None:
    """A row of the cells as they are: `[ops]` or `:fan:` in a reason is text and no markup."""
    table.add_row(*map(Text, cells))


def _line(plan: NodePlan) -> str:
    counts = Counter(slot.group for slot in plan.slots)
    parts = [f"{count} {group}" for group, count in counts.items()]
    return f"{plan.node:30} {'; '.join(parts + _remarks(plan)) or 'no slots'}\n"


def _remarks(plan: NodePlan) -> list[str]:
    remarks = [f"disabled: {plan.disabled}"] if plan.disabled else []
    if plan.unknown_gpus:
        groups = ", ".join(plan.unknown_gpus)
        remarks.append(f"{groups}: not known before site.yml has asked for its GPUs")
    return remarks
