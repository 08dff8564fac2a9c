"""What tasks print, until the server has it: on the node's disk, and not in the node's memory.

The agent's container has no disk of its own to write to, only memory.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from clearml_agent.definitions import ENV_TEMP_STDOUT_FILE_DIR


class Outputs:
    """The folder of a slot's files, which the stock agent writes and reads.

    Parameters
    ----------
    keep : Path or None
        The slot's folder on the node; None leaves the files where the stock agent has them.
    """

    def __init__(self, keep: Path | None) -> None:
        self.folder = None if keep is None else keep / "output"
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            ENV_TEMP_STDOUT_FILE_DIR.set(str(self.folder))

    def clear(self) -> None:
        """Remove what an agent left that was killed; to be called by the one that has the slot."""
        for path in self.folder.iterdir() if self.folder is not None else ():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    @staticmethod
    def remove(file: str | None) -> None:
        """Remove a file that nobody reads any more; whoever has it open still may write."""
        if file:
            Path(file).unlink(missing_ok=True)
