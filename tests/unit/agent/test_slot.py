import threading
from pathlib import Path

import pytest
from fleet_agent.slot import Slot


def never():
    raise AssertionError("the slot is free")


def test_one_agent_at_a_time_has_the_slot(tmp_path):
    old, new = Slot(tmp_path), Slot(tmp_path)
    old.take(never)
    stands_by = threading.Event()
    waiting = threading.Thread(target=new.take, args=(stands_by.set,), daemon=True)
    waiting.start()
    assert stands_by.wait(20)
    assert old.has_successor
    assert waiting.is_alive()

    old.give_up()

    waiting.join(20)
    assert not waiting.is_alive()
    assert old.is_given_up
    assert not new.is_given_up
    assert not new.has_successor


def test_an_agent_that_has_the_slot_takes_it_no_second_time(tmp_path):
    slot = Slot(tmp_path)
    slot.take(never)
    slot.take(never)
    assert not slot.has_successor


def test_what_was_never_taken_is_not_given_up(tmp_path):
    slot = Slot(tmp_path)
    slot.give_up()
    assert not slot.is_given_up


@pytest.mark.parametrize("folder", [None, Path("missing")])
def test_a_slot_is_there_for_whoever_is_first(folder, tmp_path):
    slot = Slot(folder and tmp_path / folder)
    slot.take(never)
    assert not slot.has_successor


def test_a_folder_that_somebody_removed_has_no_successor_in_it(tmp_path):
    slot = Slot(tmp_path / "slot")
    slot.take(never)
    for file in (tmp_path / "slot").iterdir():
        file.unlink()
    (tmp_path / "slot").rmdir()
    assert not slot.has_successor
