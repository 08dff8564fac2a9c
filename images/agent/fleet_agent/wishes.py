"""What the node's operator wishes of all its agents: files in a folder that they all read."""

from __future__ import annotations

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
