"""Copies of the server's database while it runs."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from fleet.errors import FleetError
from fleet.server.backup import back_up

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def live(tmp_path):
    """A data folder whose database is open, with rows that are in its log only."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "clearml.conf").write_text("secret_key: x")
    with closing(sqlite3.connect(data / "fleet.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE tasks (id)")
        database.execute("INSERT INTO tasks VALUES (1)")
        database.commit()
        yield data, database


def rows(copy):
    with closing(sqlite3.connect(copy / "fleet.db")) as database:
        return database.execute("SELECT count(*) FROM tasks").fetchone()[0]


def test_a_copy_holds_what_was_committed_and_is_its_owners_alone(live, tmp_path):
    data, database = live
    database.execute("INSERT INTO tasks VALUES (2)")  # not committed
    copy = back_up(data, tmp_path / "copies", 3, now=NOON)

    assert copy.name == "20260701T120000Z"
    assert sorted(path.name for path in copy.iterdir()) == ["clearml.conf", "fleet.db"]
    assert {path.stat().st_mode & 0o777 for path in copy.iterdir()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (copy, copy.parent)} == {0o700}
    assert rows(copy) == 1


def test_the_newest_are_kept_and_nothing_else_is_touched(live, tmp_path):
    copies = tmp_path / "copies"
    (copies / "of-an-operator").mkdir(parents=True)
    for day in range(4):
        back_up(live[0], copies, 2, now=NOON + timedelta(days=day))

    assert sorted(path.name for path in copies.iterdir()) == [
        "20260703T120000Z",
        "20260704T120000Z",
        "of-an-operator",
    ]


def test_a_copy_that_cannot_be_made_leaves_nothing_and_removes_nothing(live, tmp_path):
    data, database = live
    copies = tmp_path / "copies"
    back_up(data, copies, 1, now=NOON)
    database.close()
    (data / "fleet.db").write_bytes(b"no database at all" * 100)

    with pytest.raises(FleetError, match="could not be copied"):
        back_up(data, copies, 1, now=NOON + timedelta(days=1))
    assert [path.name for path in copies.iterdir()] == ["20260701T120000Z"]


def test_a_wrong_folder_is_told(tmp_path):
    with pytest.raises(FleetError, match="no database to copy"):
        back_up(tmp_path, tmp_path / "copies", 1)
