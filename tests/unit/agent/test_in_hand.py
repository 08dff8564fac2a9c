import errno
import json

import pytest
from fleet_agent import in_hand
from fleet_agent.in_hand import Records


@pytest.fixture
def records(tmp_path):
    return Records(tmp_path)


def files(folder):
    return sorted(file.name for file in (folder / "in-hand").iterdir())


def no_room(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_an_agent_has_is_not_left_behind_and_what_it_let_go_is(records):
    held = records.begin("t1", "q", "now")
    held.note(container="c1", forwarded=7, is_lost=True)
    assert list(records.left_behind()) == []

    held.release()
    (found,) = records.left_behind()
    assert (found.task, found.queue, found.container, found.forwarded) == ("t1", "q", "c1", 7)
    assert found.is_lost
    assert not found.is_counted


def test_nothing_is_left_of_what_was_dropped(records, tmp_path):
    records.begin("t1", "q", "now").drop()
    assert files(tmp_path) == []


def test_two_runs_of_a_task_are_two_records(records):
    first, second = records.begin("t1", "q", "now"), records.begin("t1", "q", "now")
    first.release()
    (found,) = records.left_behind()
    assert found.file != second.file


def test_a_full_disk_is_said_at_the_beginning_and_leaves_nothing(records, tmp_path, monkeypatch):
    records.begin("t0", "q", "now").drop()
    monkeypatch.setattr(in_hand, "write_json", no_room)
    with pytest.raises(OSError, match="No space"):
        records.begin("t1", "q", "now")
    assert files(tmp_path) == []


def test_a_full_disk_later_on_is_no_error(records, monkeypatch):
    held = records.begin("t1", "q", "now")
    monkeypatch.setattr(in_hand, "write_json", no_room)
    held.note(forwarded=5)
    assert held.forwarded == 5
    with pytest.raises(OSError, match="No space"):
        held.write(container="c")


@pytest.mark.parametrize("text", ["", "{", "\x00\x00"])
def test_a_record_that_cannot_be_read_still_names_its_task(records, tmp_path, text):
    (tmp_path / "in-hand").mkdir()
    (tmp_path / "in-hand" / "t1.0123abcd.json").write_text(text)
    (found,) = records.left_behind()
    assert (found.task, found.queue) == ("t1", "")


def test_a_record_of_an_agent_before_is_read(records, tmp_path):
    (tmp_path / "in-hand").mkdir()
    record = {"task": "t1", "queue": "q", "put_back": "why", "unknown": 1}
    (tmp_path / "in-hand" / "t1.json").write_text(json.dumps(record))
    (found,) = records.left_behind()
    assert (found.task, found.queue, found.put_back) == ("t1", "q", "why")


def test_without_a_folder_nothing_is_kept():
    records = Records(None)
    records.begin("t1", "q", "now").drop()
    assert list(records.left_behind()) == []
