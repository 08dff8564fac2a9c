"""What is told of tasks that an agent had and nobody has any more."""

import fcntl

import pytest


@pytest.fixture
def records_of(load_module):
    return load_module("ansible/plugins/module_utils/fleet_records.py")


def test_tasks_of_agents_that_died_in_slots_that_are_gone_are_found(records_of, tmp_path):
    for slot, tasks in {"n-0": ["t1"], "n-1": ["t2", "t3", "t4"]}.items():
        records = tmp_path / "cpu_nodes" / ".agent" / slot / "in-hand"
        records.mkdir(parents=True)
        for task in tasks:
            (records / f"{task}.0a1b.json").write_text("{}")
            (records / f"{task}.0a1b.lock").touch()
    (records / "t4.0a1b.lock").unlink()
    (records / "t6.0a1b.json").write_text('{"is_over": true}')
    (records / ".t5.json.new").touch()

    with (records / "t2.0a1b.lock").open() as held:  # of an agent that still finishes it
        fcntl.flock(held, fcntl.LOCK_EX)
        found = records_of.abandoned_tasks(str(tmp_path), {"n-0": "cpu_nodes"})

    assert found == [
        {"slot": "n-1", "task": task, "file": str(records / f"{task}.0a1b.json")}
        for task in ("t3", "t4")
    ]
    assert records_of.abandoned_tasks(str(tmp_path / "missing"), ()) == []
    said = records_of.say_abandoned(found[0])
    assert said.startswith("n-1: ")
    assert "t3.0a1b.json" in said
