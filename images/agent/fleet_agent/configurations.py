"""The copies of the agent's configuration that containers of tasks see.

The stock agent makes one for each worker, credentials and all, and never removes it. In services
mode each service is a worker of its own.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote


class Configurations:
    """The copies in a folder.

    Parameters
    ----------
    host_mount : str or None
        `HOST:HERE`, a folder of the node and where this container has it; without one there are
        no copies.
    """

    def __init__(self, host_mount: str | None) -> None:
        here = (host_mount or "").partition(":")[2]
        self._folder = Path(here) if here else None

    def remove(self, worker: str) -> None:
        """Remove the copy of a worker whose container is gone."""
        if self._folder is not None:
            name = f".clearml_agent.{quote(worker, safe='')}.cfg"
            (self._folder / name).unlink(missing_ok=True)
