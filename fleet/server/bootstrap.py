"""Preparing a data folder: its lock, its first user and the client configuration."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path

from fleet.errors import FleetError
from fleet.server.settings import Settings
from fleet.server.store import Store

_USER = "fleet"
_CONFIG = """\
# Written by `fleet server` whenever it starts: changes made here are lost.
# export CLEARML_CONFIG_FILE={path}
api {{
    api_server: "{api_url}"
    web_server: "{api_url}"
    files_server: "{files_url}"
    credentials {{
        access_key: "{access_key}"
        secret_key: "{secret_key}"
    }}
}}
sdk {{
    development {{
        # A reporting process that is forked while git runs keeps git's pipes open: the exit of a
        # task then takes minutes, and its script section can be lost.
        report_use_subprocess: false
        # Models outlive the container or folder where they were made.
        default_output_uri: "{files_url}"
        suppress_update_message: true
    }}
}}
"""


class DataFolder:
    """A data folder that this process alone uses.

    Parameters
    ----------
    path : Path
        The folder; it is made, readable by the owner only, when it is missing.

    Raises
    ------
    FleetError
        It cannot be made or written, or another server uses it.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FleetError(
                f"the data folder cannot be written: {error.strerror}",
                where=str(path),
                mend="choose another one with --data, or change its permissions",
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise FleetError(
                "another server uses this data folder",
                where=str(path),
                mend="stop that server, or choose another folder with --data",
            ) from None

    def release(self) -> None:
        """Let others use the folder."""
        os.close(self._lock)


def prepare(store: Store) -> None:
    """Make the first user and credentials where there are none, and write the configuration."""
    settings = store.settings
    keys = _known_keys(settings.client_config)
    if keys is None or store.authority.check_credentials(*keys) is None:
        row = store.database.one("SELECT id FROM users WHERE name = ?", (_USER,))
        user = row[0] if row else store.authority.create_user(_USER)
        keys = store.authority.create_credentials(user, label="clearml.conf")
    store.database.commit()
    write_client_config(settings, *keys)


def write_client_config(settings: Settings, access_key: str, secret_key: str) -> None:
    """Write the configuration file for the SDK, readable by the owner only."""
    text = _CONFIG.format(
        path=settings.client_config,
        api_url=settings.api_url,
        files_url=settings.files_url,
        access_key=access_key,
        secret_key=secret_key,
    )
    unfinished = settings.client_config.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(settings.client_config)


def _known_keys(path: Path) -> tuple[str, str] | None:
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    found = [re.search(rf'{name}: "([^"]+)"', text) for name in ("access_key", "secret_key")]
    return (found[0][1], found[1][1]) if all(found) else None
