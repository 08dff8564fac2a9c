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
def test_a_container_made_otherwise_is_replaced(fake_engine, layout, change):
    ensure_running(CONTAINER, layout)
    wanted = dataclasses.replace(CONTAINER, **change)
    assert ensure_running(wanted, layout) == "replaced"
    removed = [command for command in fake_engine.commands if command[0] == "rm"]
    assert removed == [("rm", "--force", "--volumes", "fleet-lab-cpu-1")]
    assert ensure_running(wanted, layout) == "kept"


@pytest.mark.parametrize("keeps", [True, False])
def test_volumes_are_labelled_and_stay_or_go_with_their_container(fake_engine, layout, keeps):
    container = dataclasses.replace(CONTAINER, volumes=("data",), keeps_volumes=keeps)
    ensure_running(container, layout)
    ensure_running(dataclasses.replace(container, image="sha256:bb"), layout)
    of_volumes = [command for command in fake_engine.commands if command[0] == "volume"]
    create = ("volume", "create", *layout.labels("node"), "data")
    remove = ("volume", "rm", "--force", "data")
    assert of_volumes == ([create, create] if keeps else [create, remove, create])


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


def test_a_container_is_told_of_before_it_is_replaced(fake_engine, layout):
    told = []

    def tell(names):
        assert set(names) <= set(fake_engine.containers)
        told.extend(names)

    ensure_running(CONTAINER, layout, before_removal=tell)
    assert told == []
    ensure_running(dataclasses.replace(CONTAINER, image="sha256:bb"), layout, before_removal=tell)
    assert told == ["fleet-lab-cpu-1"]


def test_the_state_of_another_user_is_there(fake_engine, layout, monkeypatch):
    def refuse(path):
        raise PermissionError(path)

    ensure_running(CONTAINER, layout)
    fake_engine.answers["container", "ls"] = "fleet-lab-cpu-1\n"
    monkeypatch.setattr(engine.Path, "exists", refuse)
    assert engine.living_homes(layout) == {str(layout.state)}
