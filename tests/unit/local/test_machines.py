import json

import pytest

from fleet.errors import FleetError
from fleet.local import engine, machines, nodes
from fleet.local.layout import write_private
from fleet.local.lock import locked
from fleet.local.machines import have_machines
from tests.own_contract import SPEC_FILE

INVENTORY = """\
all:
  children:
    cpu_nodes:
      hosts:
"""


@pytest.fixture
def inventory(tmp_path):
    def write(*hosts):
        path = tmp_path / "hosts.yml"
        path.write_text(INVENTORY + "".join(f"        {host}:\n" for host in hosts))
        return path

    return write


@pytest.fixture
def machine(layout, inventory, monkeypatch, fake_engine):
    """A fleet that is up with the nodes cpu-1, as far as its files and its engine say."""
    layout.state.mkdir(parents=True)
    record = {
        "subnet": "172.30.77.0/24",
        "inventory": str(inventory("cpu-1")),
        "node_image": "sha256:aa",
        "nodes": {"cpu-1": "172.30.77.129"},
    }
    write_private(layout.record, json.dumps(record))
    there = {"cpu-1": True}
    brought = {}

    def inspect(kind, names):
        if kind == "network":
            return [{"Name": layout.network}]
        return [
            {
                "Name": f"/{layout.container(node)}",
                "State": {"Running": running},
                "NetworkSettings": {"Networks": {}},
            }
            for node, running in there.items()
            if layout.container(node) in names
        ]

    def bring_up(_layout, images, addresses, *, alone=()):
        assert images == dict.fromkeys(addresses, "sha256:aa")
        brought.update(addresses=dict(addresses), alone=list(alone))
        done = {n: "kept" if n in alone else "created" for n in addresses}
        there.update(dict.fromkeys(addresses, True))
        return done

    def remove_others(_layout, keep):
        gone = [node for node in there if node not in keep]
        for node in gone:
            del there[node]
        return gone

    monkeypatch.setattr(machines, "find", lambda program: program)
    monkeypatch.setattr(engine, "info", lambda: {"ServerVersion": "1"})
    monkeypatch.setattr(engine, "inspect", inspect)
    monkeypatch.setattr(nodes, "existing", lambda _layout: list(there))
    monkeypatch.setattr(nodes, "bring_up", bring_up)
    monkeypatch.setattr(nodes, "remove_others", remove_others)
    brought["there"] = there
    return brought


def test_a_line_in_the_inventory_makes_a_machine_and_leaves_the_others_alone(
    machine, layout, inventory
):
    inventory("cpu-1", "cpu-2")

    found = have_machines(layout, None, SPEC_FILE)

    assert found.changed == ["cpu-2 created"]
    assert machine["alone"] == ["cpu-1"]
    assert machine["addresses"] == {"cpu-1": "172.30.77.129", "cpu-2": "172.30.77.130"}
    assert layout.read_record()["nodes"] == machine["addresses"]


def test_where_all_is_there_nothing_is_done_nor_locked(machine, layout):
    with locked(layout.lock, "it"):
        assert have_machines(layout, None, SPEC_FILE).changed == []
    assert "addresses" not in machine


def test_a_machine_that_was_stopped_is_started(machine, layout):
    machine["there"]["cpu-1"] = False

    have_machines(layout, None, SPEC_FILE)

    assert machine["alone"] == []


def test_a_machine_whose_line_is_gone_is_told_and_left_alone(machine, layout, inventory):
    inventory("cpu-2")

    found = have_machines(layout, None, SPEC_FILE)

    assert found.superfluous == ["cpu-1"]
    # Its address is not given to another while it is there.
    assert machine["addresses"] == {"cpu-2": "172.30.77.130"}
    assert "cpu-1" in machine["there"]


def test_it_is_removed_when_that_is_asked_for(machine, layout, inventory):
    inventory("cpu-2")

    found = have_machines(layout, None, SPEC_FILE, prune=True)

    assert found.changed == ["cpu-1 removed", "cpu-2 created"]
    assert found.superfluous == []
    assert list(layout.read_record()["nodes"]) == ["cpu-2"]


def test_a_fleet_that_changes_now_is_not_changed_twice(machine, layout, inventory):
    inventory("cpu-1", "cpu-2")
    with locked(layout.lock, "it"), pytest.raises(FleetError, match="changed by another command"):
        have_machines(layout, None, SPEC_FILE)


@pytest.mark.parametrize("missing", ["record", "engine", "network", "program"])
def test_a_fleet_that_is_not_up_is_told_with_what_to_do(machine, layout, monkeypatch, missing):
    if missing == "record":
        layout.record.unlink()
    elif missing == "engine":
        monkeypatch.setattr(engine, "info", lambda: None)
    elif missing == "network":
        monkeypatch.setattr(engine, "inspect", lambda kind, names: [])
    else:
        monkeypatch.setattr(machines, "find", lambda program: None)
    with pytest.raises(FleetError, match="is not up") as error:
        have_machines(layout, None, SPEC_FILE)
    assert "make up" in error.value.mend
