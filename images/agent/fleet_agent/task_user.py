"""Tasks that run as an unprivileged user: the agent shares with them what they need of it.

The agent is root without capabilities: it may not give a file away. But it is in the group of the
tasks, and whoever owns a file may let a group of their own have it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

# The group of a folder is that of all that is made in it.
_FOLDER = 0o2770
_FILE = 0o640


class TaskUser:
    """Who the tasks of a slot run as.

    Parameters
    ----------
    user : str
        `UID:GID`; empty where they run as root, and all is theirs.
    host_mount : str or None
        `HOST:HERE`, a folder of the node and where this container has it.
    """

    def __init__(self, user: str, host_mount: str | None) -> None:
        self._group = int(user.partition(":")[2]) if user else None
        host, _, here = (host_mount or "").partition(":")
        self._host, self._here = Path(host), Path(here)

    def share(self, command: Sequence[str]) -> None:
        """Let the user's group have what a `docker run` mounts of the agent's folder.

        That is the task's configuration, to read, and the caches, to write.
        """
        if self._group is None:
            return
        for path in self._mounted(command):
            os.chown(path, -1, self._group)
            path.chmod(_FOLDER if path.is_dir() else _FILE)

    def _mounted(self, command: Sequence[str]) -> Iterator[Path]:
        for flag, words in pairwise(command):
            host = Path(words.partition(":")[0])
            if flag == "-v" and host.is_relative_to(self._host):
                yield self._here / host.relative_to(self._host)
