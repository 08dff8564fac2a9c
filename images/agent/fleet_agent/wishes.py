"""What the node's operator wishes of all its agents: files in a folder that they all read."""

from __future__ import annotations

import json
from pathlib import Path


class Wishes:
    """The wishes of a node.

    Parameters
    ----------
    folder : Path or None
        Where they are; it may be missing. None: nobody wishes anything.
    """

    def __init__(self, folder: Path | None) -> None:
        self._drained = None if folder is None else folder / "drained"

    @property
    def drained(self) -> bool:
        """Whether no agent of the node shall take tasks."""
        return self._drained is not None and self._drained.exists()

    @property
    def tags(self) -> tuple[str, ...]:
        """Who drained the node, since when and why, as tags of its workers; empty where nobody did.

        A wish that cannot be read is one all the same: nothing of it is known.
        """
        if not self.drained:
            return ()
        try:
            wish = json.loads(self._drained.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ()
        if not isinstance(wish, dict):
            return ()
        said = {
            "drained-by": wish.get("by"),
            "drained-since": wish.get("since"),
            "drained-why": wish.get("reason"),
        }
        return tuple(f"{kind}:{value}" for kind, value in said.items() if value)
