"""What a server is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

SERVER_VERSION = "2.3.0"  # the ClearML server release whose behaviour this one follows
API_VERSION = "2.34"


@dataclass(frozen=True)
class Limits:
    """Times and sizes that are fixed in operation and shortened in tests.

    Parameters
    ----------
    worker_timeout : float
        Seconds after its last report until a worker is forgotten.
    stale_task : float
        Seconds without an update until a running task counts as non-responsive.
    lost_task : float
        Seconds after which a task that a worker took out of a queue and did not start is put
        back. Workers start a task within a second of taking it.
    watch_interval : float
        Seconds between two looks for such tasks.
    token_lifetime : int
        Seconds until a token expires.
    body_bytes : int
        The largest body of an API request, after decompression.
    """

    worker_timeout: float = 600.0
    stale_task: float = 7200.0
    lost_task: float = 120.0
    watch_interval: float = 60.0
    token_lifetime: int = 30 * 24 * 3600
    body_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """Where the server keeps its data and where clients find it.

    Parameters
    ----------
    data : Path
        Folder of the database, the files and the client configuration.
    api_url, files_url : str
        The addresses that clients use, without a slash at the end.
    limits : Limits
        Times and sizes.
    """

    data: Path
    api_url: str
    files_url: str
    limits: Limits = field(default_factory=Limits)

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data / "fleet.db"

    @property
    def files(self) -> Path:
        """The root of the file store."""
        return self.data / "files"

    @property
    def client_config(self) -> Path:
        """The configuration file for the SDK."""
        return self.data / "clearml.conf"
