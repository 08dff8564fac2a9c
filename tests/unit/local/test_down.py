import json

import pytest

from fleet.errors import FleetError
from fleet.found import read_found, write_found
from fleet.images import digests, record
from fleet.local import daemon, engine
from fleet.local import down as module
from fleet.local.down import down
from fleet.local.layout import Layout
from fleet.local.lock import held, locked


@pytest.fixture
def machine(fake_engine, monkeypatch):
    """A machine whose engine answers, with the containers and volumes of a fleet."""
    monkeypatch.setattr(module, "find", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(engine, "info", lambda: {"ServerVersion": "28"})
    monkeypatch.setattr(engine, "living_homes", lambda layout: set())
    fake_engine.answers |= {
        ("container", "ls"): "fleet-lab-cpu-1\nfleet-lab-git\n",
        ("volume", "ls"): "fleet-lab-cpu-1\n",
        ("network", "ls"): "",
    }
    return fake_engine


@pytest.fixture(autouse=True)
def images(monkeypatch):
    """The records of what was built by which images were removed."""
    removed = []

    def remove_all(path):
        removed.append(path)
        return 2, 2

    monkeypatch.setattr(record, "remove_all", remove_all)
    return removed


def test_all_of_it_goes_and_is_named(machine, layout, images):
    layout.server.mkdir(parents=True)
    lines = []
    down(layout, lines.append)
    text = "\n".join(lines)
    for part in (
        "container fleet-lab-cpu-1",
        "volume fleet-lab-cpu-1",
        "2 of 2 images",
        "its state",
    ):
        assert part in text
    remove = ("rm", "--force", "--volumes", "fleet-lab-cpu-1", "fleet-lab-git")
    emptied = [command[:2] for command in machine.commands[: machine.commands.index(remove)]]
    assert ("exec", "fleet-lab-cpu-1") in emptied
    assert images == [layout.state_root / "build" / "built.json"]
    assert not layout.state_root.exists()


def test_the_digests_of_a_production_fleet_stay(machine, layout, monkeypatch, tmp_path):
    monkeypatch.setattr(digests, "PATH", tmp_path / "digests.yml")
    digests.PATH.write_text("images: {}")
    down(layout, lambda line: None)
    assert digests.PATH.exists()


def test_images_may_be_kept(machine, layout, images):
    down(layout, lambda line: None, keep_images=True)
    assert images == []


def test_images_stay_while_another_fleet_uses_them(machine, layout, images):
    machine.answers["network", "ls"] = "fleet-other\n"
    machine.answers["network", "inspect"] = json.dumps([{"Labels": {"fleet.local": "other"}}])
    lines = []
    down(layout, lines.append)
    assert "kept     the images, used by: other" in lines
    assert images == []


@pytest.mark.parametrize("lock", ["other.lock", "build/lock"])
def test_images_and_engine_stay_while_another_fleet_comes_up(
    machine, layout, images, monkeypatch, lock
):
    stopped = []
    monkeypatch.setattr(daemon, "stop", lambda layout: stopped.append(1) or "stopped")
    with locked(layout.state_root / lock, "another fleet"):
        down(layout, lambda line: None)
    assert images == stopped == []
    down(layout, lambda line: None)
    assert len(images) == len(stopped) == 1


def test_images_are_removed_under_the_locks_of_images_and_engine(machine, layout, monkeypatch):
    found = []

    def look(path):
        found.extend([held(layout.images_lock), held(layout.engine_lock)])
        return 0, 0

    monkeypatch.setattr(record, "remove_all", look)
    down(layout, lambda line: None)
    assert found == [True, True]


def test_a_fleet_of_another_checkout_is_left_alone(machine, layout, monkeypatch):
    monkeypatch.setattr(engine, "living_homes", lambda _: {"/else/.fleet/lab"})
    with pytest.raises(FleetError, match="another checkout"):
        down(layout, lambda line: None)
    assert not [command for command in machine.commands if command[0] == "rm"]


def test_without_docker_the_state_goes(layout, monkeypatch):
    monkeypatch.setattr(module, "find", lambda program: None)
    layout.server.mkdir(parents=True)
    lines = []
    down(layout, lines.append)
    assert not layout.state_root.exists()
    assert len(lines) == 1


def test_an_engine_that_rests_is_started_to_be_cleaned(machine, layout, monkeypatch):
    answers = [None]
    started = []
    monkeypatch.setattr(engine, "info", lambda: answers[0])
    monkeypatch.setattr(module.os, "geteuid", lambda: 0)

    def start(layout, say):
        answers[0] = {"ServerVersion": "28"}
        started.append(1)

    monkeypatch.setattr(daemon, "start", start)
    layout.state.mkdir(parents=True)
    down(layout, lambda line: None)
    assert started == [1]
    assert ("rm", "--force", "--volumes", "fleet-lab-cpu-1", "fleet-lab-git") in machine.commands


def test_nothing_there_is_said(fake_engine, layout, monkeypatch):
    monkeypatch.setattr(module, "find", lambda program: None)
    lines = []
    down(layout, lines.append)
    assert lines == ["nothing to remove: there is no local fleet 'lab'"]


def test_an_engine_that_never_came_up_leaves_no_memory(layout, monkeypatch):
    monkeypatch.setattr(module, "find", lambda program: None)
    daemon.remember(layout, daemon.PENDING)
    down(layout, lambda line: None)
    assert not layout.state_root.exists()


def test_what_was_found_of_its_nodes_gpus_is_forgotten_with_the_last_of_an_inventory(
    machine, layout, tmp_path
):
    inventory, other = tmp_path / "site" / "hosts.yml", Layout("other", layout.state_root)
    for folder in (inventory.parent, tmp_path / "production"):
        write_found(folder, {"gpu-1": {"gpus": 1, "mig": {}}}, state=layout.state_root)
    for fleet in (layout, other):
        fleet.state.mkdir(parents=True)
        fleet.record.write_text(json.dumps({"inventory": str(inventory)}))
    down(layout, lambda line: None)
    assert read_found(inventory.parent, "gpu-1", state=layout.state_root)
    lines = []
    down(other, lines.append)

    assert read_found(inventory.parent, "gpu-1", state=layout.state_root) is None
    assert read_found(tmp_path / "production", "gpu-1", state=layout.state_root)
    assert f"removed  what was found of GPUs of {inventory.parent}" in lines
