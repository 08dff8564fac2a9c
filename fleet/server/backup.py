"""Copies of the server's database and of its client configuration, while it runs."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from fleet.errors import FleetError

DATABASE = "fleet.db"
CONFIGURATION = "clearml.conf"
_STAMP = "%Y%m%dT%H%M%SZ"
_STAMPS = "[0-9]" * 8 + "T" + "[0-9]" * 6 + "Z"
_DRAFT = ".unfinished"


def back_up(data: Path, directory: Path, keep: int, *, now: datetime | None = None) -> Path:
    """Copy the database as of one moment, check the copy, and remove the oldest copies.

    The files that tasks uploaded are not copied: see docs/embedded-server.md.

    Parameters
    ----------
    data : Path
        The server's data folder.
    directory : Path
        Where each copy is a folder named by its time.
    keep : int
        How many copies are kept, at least one.
    now : datetime, optional
        The time that names the copy.

    Raises
    ------
    FleetError
        There is no database, it is damaged, or the copy cannot be written.
    """
    source = data / DATABASE
    if not source.is_file():
        raise FleetError(
            "there is no database to copy", where=str(source), mend="name the server's data folder"
        )
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = directory / _DRAFT
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    try:
        _copy(source, draft / DATABASE)
        if (data / CONFIGURATION).is_file():
            shutil.copyfile(data / CONFIGURATION, draft / CONFIGURATION)
        for file in draft.iterdir():
            file.chmod(0o600)
    except (OSError, sqlite3.Error) as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise FleetError(
            f"the database could not be copied: {error}",
            where=str(draft),
            mend="see that the disk is not full and can be written",
        ) from None
    done = draft.rename(directory / (now or datetime.now(UTC)).strftime(_STAMP))
    for old in sorted(directory.glob(_STAMPS))[: -max(keep, 1)]:
        shutil.rmtree(old)
    return done


def _copy(source: Path, copy: Path) -> None:
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(copy)) as copied:
        live.backup(copied)
        # One file, without a log beside it.
        copied.execute("PRAGMA journal_mode = DELETE")
        found = copied.execute("PRAGMA integrity_check").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(f"it is damaged: {found}")
