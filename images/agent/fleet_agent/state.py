"""What an agent is doing, in one word: for the operator on the node and for the server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

STANDING_BY, IDLE, BUSY = "standing-by", "idle", "busy"
DRAINING, DRAINED, LEAVING = "draining", "drained", "leaving"
#: What a worker's tag says; an agent that takes tasks has none.
TAGS = {DRAINING: "state:draining", LEAVING: "state:draining", DRAINED: "state:drained"}
#: What the tag of one that leaves is followed by where the slot's next agent is there already.
SUCCESSOR_TAG = "successor:stands-by"


def name_state(*, asked: bool, drained: bool, in_hand: bool) -> str:
    """The state of an agent that has its slot.

    Parameters
    ----------
    asked : bool
        It has been asked to leave.
    drained : bool
        The node's agents shall take nothing.
    in_hand : bool
        It has a task.
    """
    if asked:
        return LEAVING
    if drained:
        return DRAINING if in_hand else DRAINED
    return BUSY if in_hand else IDLE


class StateFile:
    """The state as others in the container can read it.

    Parameters
    ----------
    folder : Path
        Where it is kept; it exists.
    worker : str
        The worker's id.
    tags : sequence of str
        The worker's tags, which name its image.
    """

    def __init__(self, folder: Path, worker: str, tags: Sequence[str]) -> None:
        self._file = folder / "state.json"
        images = (tag.removeprefix("image:") for tag in tags if tag.startswith("image:"))
        self._fixed = {"worker": worker, "image": next(images, None)}
        self._said: dict[str, Any] = {}

    def say(self, state: str, tasks: Sequence[str] = ()) -> None:
        """Write it down, unless it is what was said last."""
        said = {"state": state, "task": next(iter(tasks), None), "tasks": list(tasks)}
        if said != self._said:
            write_json(self._file, said | self._fixed)
            self._said = said


def read_state(folder: Path) -> dict[str, Any] | None:
    """What the agent said last; None before it has said anything."""
    try:
        return json.loads((folder / "state.json").read_text())
    except FileNotFoundError:
        return None


def write_json(file: Path, data: Any) -> None:
    """Write a file that nobody ever reads half of."""
    new = file.with_name(f".{file.name}.new")
    try:
        new.write_text(json.dumps(data))
        new.replace(file)
    except OSError:
        new.unlink(missing_ok=True)
        raise
