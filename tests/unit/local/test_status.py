import json

import pytest

from fleet.local import engine, gitremote, hostserver, registry, ssh
from fleet.local import status as module
from fleet.local.status import Part, Status, status

RECORD = {
    "subnet": "172.30.77.0/24",
    "gateway": "172.30.77.1",
    "registry": "172.30.77.2:5000",
    "registry_port": 5000,
    "git_url": "git://172.30.77.3/fleet.git",
    "nodes": {"cpu-1": "172.30.77.129"},
}


@pytest.fixture
def whole(fake_engine, layout, monkeypatch):
    """A fleet of which everything is up."""
    layout.state.mkdir(parents=True)
    layout.record.write_text(json.dumps(RECORD))
    monkeypatch.setattr(module, "find", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(engine, "info", lambda: {"ServerVersion": "28"})
    monkeypatch.setattr(hostserver, "running", lambda layout: 4711)
    monkeypatch.setattr(hostserver, "answers", lambda gateway: True)
    monkeypatch.setattr(registry, "answers", lambda port: True)
    monkeypatch.setattr(gitremote, "answers", lambda address: address == "172.30.77.3")
    monkeypatch.setattr(ssh, "reachable", lambda layout, node: True)
    for what in ("registry", "git", "cpu-1"):
        container = engine.Container(what, "x", "sha256:aa")
        engine.ensure_running(container, layout)
    fake_engine.answers["exec", "fleet-lab-cpu-1"] = "fleet-cpu-1-0: Up 2 minutes\n"
    return fake_engine


def part(found, name):
    (one,) = [part for part in found.parts if part.name == name]
    return one


def test_a_whole_fleet(whole, layout):
    found = status(layout)
    assert found.whole
    assert [part.name for part in found.parts] == ["engine", "server", "registry", "git", "cpu-1"]
    assert found.as_dict()["parts"][-1]["detail"] == "fleet-cpu-1-0: Up 2 minutes"


def test_an_agent_that_ended_is_named(whole, layout):
    listing = "fleet-cpu-1-0: Up 2 minutes\nfleet-cpu-1-1: Exited (1) 3 seconds ago\n"
    whole.answers["exec", "fleet-lab-cpu-1"] = listing
    found = status(layout)
    assert not found.whole
    assert part(found, "cpu-1").detail == "fleet-cpu-1-1: Exited (1) 3 seconds ago"


def test_an_agent_that_handed_its_slot_over_is_no_fault(whole, layout):
    new, old = "fleet-cpu-1-0.aaaaaaaa: Up 2 minutes", "fleet-cpu-1-0.bbbbbbbb: Exited (0) 1 s ago"
    whole.answers["exec", "fleet-lab-cpu-1"] = f"{new}\n{old}\n"
    assert status(layout).whole

    whole.answers["exec", "fleet-lab-cpu-1"] = f"{old}\n"
    assert part(status(layout), "cpu-1").detail == old


def test_a_node_without_agents_is_not_well(whole, layout):
    whole.answers["exec", "fleet-lab-cpu-1"] = ""
    assert "no agent" in part(status(layout), "cpu-1").detail


def test_a_node_whose_container_is_gone(whole, layout):
    del whole.containers["fleet-lab-cpu-1"]
    assert part(status(layout), "cpu-1") == Part("cpu-1", "172.30.77.129", False, "is not there")


def test_a_server_that_does_not_run(whole, layout, monkeypatch):
    monkeypatch.setattr(hostserver, "running", lambda layout: None)
    found = part(status(layout), "server")
    assert not found.well
    assert "server.log" in found.detail


def test_a_fleet_that_was_never_up(fake_engine, layout, monkeypatch):
    monkeypatch.setattr(module, "find", lambda program: None)
    found = status(layout)
    assert not found.whole
    assert [part.well for part in found.parts] == [False, False]


def test_nothing_known_is_not_whole():
    assert not Status("lab").whole
