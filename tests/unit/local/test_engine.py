import dataclasses

import pytest

from fleet.local import engine
from fleet.local.engine import Container, ensure_running

CONTAINER = Container("cpu-1", "node", "sha256:aa", ("--hostname=cpu-1",), ("/sbin/init",))


def runs(fake):
    return [command for command in fake.commands if command[0] == "run"]


def test_a_container_is_created_with_labels_and_name(fake_engine, layout):
    assert ensure_running(CONTAINER, layout) == "created"
    (command,) = runs(fake_engine)
    assert "--name=fleet-lab-cpu-1" in command
    assert "--label=fleet.local=lab" in command
    assert command[-2:] == ("sha256:aa", "/sbin/init")


def test_a_container_that_is_as_wanted_is_kept(fake_engine, layout):
    ensure_running(CONTAINER, layout)
    assert ensure_running(CONTAINER, layout) == "kept"
    assert len(runs(fake_engine)) == 1


def test_a_stopped_container_is_started_not_made_again(fake_engine, layout):
    ensure_running(CONTAINER, layout)
    fake_engine.containers["fleet-lab-cpu-1"]["State"]["Running"] = False
    assert ensure_running(CONTAINER, layout) == "started"
    assert len(runs(fake_engine)) == 1


@pytest.mark.parametrize(
    "change",
    [{"image": "sha256:bb"}, {"options": ("--hostname=other",)}, {"command": ("/bin/sh",)}],
)
def test_a_container_made_otherwise_is_replaced_with_its_volume(fake_engine, layout, change):
    ensure_running(CONTAINER, layout)
    wanted = dataclasses.replace(CONTAINER, **change)
    assert ensure_running(wanted, layout, drop=["fleet-lab-cpu-1"]) == "replaced"
    removed = [command for command in fake_engine.commands if command[0] == "rm"]
    assert removed == [("rm", "--force", "--volumes", "fleet-lab-cpu-1")]
    assert ("volume", "rm", "--force", "fleet-lab-cpu-1") in fake_engine.commands
    assert ensure_running(wanted, layout) == "kept"


def test_only_this_fleets_things_are_asked_for(fake_engine, layout):
    fake_engine.answers["volume", "ls"] = "b\na\n"
    assert engine.owned("volume", layout) == ["a", "b"]
    assert "--filter=label=fleet.local=lab" in fake_engine.commands[-1]


def test_stopped_containers_are_listed_too(fake_engine, layout):
    engine.owned("container", layout)
    assert "--all" in fake_engine.commands[-1]


def test_input_goes_to_a_command_in_a_container_and_not_into_arguments(fake_engine):
    engine.execute("box", "sh", "-c", "cat > f", stdin="secret")
    (command,) = fake_engine.commands
    assert command[:2] == ("exec", "--interactive")
    assert "secret" not in command
