import socket
from collections import namedtuple

import pytest

from fleet.command import run
from fleet.errors import FleetError, FleetErrors
from fleet.images import disk
from fleet.images.catalog import lineage, load_images
from fleet.local import addresses, checks, daemon, engine
from fleet.local.checks import Wanted
from tests.own_contract import SPEC_FILE

INFO = {"ServerVersion": "28", "SecurityOptions": [], "DockerRootDir": "/"}
Usage = namedtuple("Usage", "total used free")


def to_make(wanted, built=()):
    """What is still to be built, where these images are there."""
    specs = load_images()
    lines = {ancestor for name in wanted for ancestor in lineage(name, specs)}
    return {name: spec for name, spec in specs.items() if name in lines and name not in built}


@pytest.fixture
def good_machine(monkeypatch, tmp_path):
    """A machine on which nothing is wrong, whatever the one of the test is like."""
    monkeypatch.setattr(checks, "find", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(daemon, "find", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(engine, "info", lambda: INFO)
    monkeypatch.setattr(engine, "inspect", lambda kind, names: [])
    monkeypatch.setattr(engine, "living_homes", lambda layout: set())
    monkeypatch.setattr(checks, "find_builder", lambda: None)
    monkeypatch.setattr(checks.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(checks.network, "subnet_for", lambda *_: addresses.FIRST_SUBNET)
    monkeypatch.setattr(addresses, "listeners", list)
    monkeypatch.setattr(checks, "committed_step_code", lambda: "0" * 40)
    monkeypatch.setattr(
        checks, "to_build", lambda wanted, *, engine_answers: (to_make(wanted), "cpu")
    )
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: Usage(0, 0, 100 * disk.GB))
    monkeypatch.delenv("DOCKER_HOST", raising=False)


@pytest.fixture
def inventory(tmp_path):
    path = tmp_path / "hosts.yml"
    path.write_text("all: {children: {cpu_nodes: {hosts: {cpu-1: , cpu-2: }}}}")
    return path


def test_a_good_machine_gives_contract_and_nodes(good_machine, layout, inventory):
    spec, nodes = checks.check(Wanted(layout, inventory, spec_file=SPEC_FILE))
    assert "cpu-train" in spec.queues
    assert nodes == ["cpu-1", "cpu-2"]


def test_all_problems_are_told_at_once_and_nothing_is_made(
    good_machine, layout, inventory, monkeypatch, tmp_path
):
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: Usage(0, 0, disk.GB))
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:2375")
    broken = tmp_path / "queues.yml"
    broken.write_text("version: 1\nqueues: {a: {node_grup: x}}\n")
    wrong_data = tmp_path / "empty.csv"
    wrong_data.write_text("")
    wanted = Wanted(layout, inventory, wrong_data, "price", spec_file=broken)
    with pytest.raises(FleetErrors) as caught:
        checks.check(wanted)
    text = str(caught.value)
    for part in ("12 GB of free disk", "DOCKER_HOST", "queues.yml:", "empty.csv"):
        assert part in text
    assert not layout.state_root.exists()


def test_not_root_and_no_engine(monkeypatch):
    monkeypatch.setattr(checks.os, "geteuid", lambda: 1000)
    checks.check_rights(INFO)
    with pytest.raises(FleetError, match="only root") as caught:
        checks.check_rights(None)
    assert "become root" in caught.value.mend


def test_a_user_who_is_not_root_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(checks.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(daemon, "find", lambda program: None)
    with pytest.raises(FleetError, match="openssh-client") as caught:
        checks.check_programs(engine_answers=True)
    assert "apt-get install" in caught.value.mend
    assert caught.value.where == "user 1000"


def test_a_machine_without_packages_of_debian_is_told_what_is_missing(monkeypatch):
    monkeypatch.setattr(checks.os, "geteuid", lambda: 0)
    for module in (checks, daemon):
        monkeypatch.setattr(module, "find", lambda program: None)
    with pytest.raises(FleetError, match=r"docker\.io") as caught:
        checks.check_programs(engine_answers=False)
    assert "no apt-get" in caught.value.where


def test_a_client_that_cannot_build_and_another_processor_are_known_before(
    good_machine, layout, inventory, monkeypatch
):
    def find_builder():
        raise FleetError("no docker command here can build with BuildKit")

    monkeypatch.setattr(checks, "find_builder", find_builder)
    monkeypatch.setattr(checks.platform, "machine", lambda: "aarch64")
    with pytest.raises(FleetErrors) as caught:
        checks.check(Wanted(layout, inventory, spec_file=SPEC_FILE))
    assert "BuildKit" in str(caught.value)
    assert "this machine is aarch64" in str(caught.value)


def test_a_client_that_cannot_build_does_not_matter_where_docker_is_still_installed(monkeypatch):
    def find_builder():
        raise FleetError("no docker command here can build with BuildKit")

    monkeypatch.setattr(checks, "find_builder", find_builder)
    monkeypatch.setattr(daemon, "find", lambda program: None if program == "dockerd" else program)
    checks.check_builder(engine_answers=False)
    with pytest.raises(FleetError, match="BuildKit"):
        checks.check_builder(engine_answers=True)


def test_a_rootless_engine_is_refused():
    with pytest.raises(FleetError, match="rootless"):
        checks.check_engine({**INFO, "SecurityOptions": ["name=rootless"]}, "")


def test_a_local_socket_is_a_local_engine():
    checks.check_engine(INFO, "unix:///run/docker.sock")


@pytest.mark.parametrize(
    ("built", "torch", "gigabytes"),
    [
        ([], "cpu", 12),
        (["common", "node", "services", "cpu", "agent"], "cpu", 7),
        (["common", "node", "services", "cpu", "agent", "cuda"], "cpu", 4),
        ([], "cuda", 30),
    ],
)
def test_the_disk_that_is_needed_is_for_what_is_still_to_be_built(
    layout, monkeypatch, built, torch, gigabytes
):
    monkeypatch.setattr(
        checks, "to_build", lambda wanted, *, engine_answers: (to_make(wanted, built), torch)
    )
    free = [gigabytes * disk.GB - 1]
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: Usage(0, 0, free[0]))
    with pytest.raises(FleetError, match=f"needs {gigabytes} GB of free disk") as caught:
        checks.check_disk(layout, INFO)
    assert ("+cpu" in caught.value.mend) == (torch == "cuda")
    free[0] += 1
    checks.check_disk(layout, INFO)


def test_a_fleet_that_was_up_needs_little_disk(layout, monkeypatch):
    monkeypatch.setattr(checks, "to_build", lambda wanted, *, engine_answers: ({}, "cuda"))
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: Usage(0, 0, 2 * disk.GB))
    layout.state.mkdir(parents=True)
    layout.record.write_text("{}")
    checks.check_disk(layout, INFO)


def test_a_fleet_of_this_name_in_another_checkout(layout, monkeypatch):
    monkeypatch.setattr(engine, "living_homes", lambda _: {str(layout.state), "/else/.fleet/lab"})
    with pytest.raises(FleetError, match="another checkout") as caught:
        checks.check_owner(layout, INFO)
    assert caught.value.where == "/else/.fleet/lab"


def test_a_port_in_use_names_who_uses_it(layout, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(checks, "API_PORT", port)
        monkeypatch.setattr(checks.network, "gateway_of", lambda subnet: "127.0.0.1")
        monkeypatch.setattr(checks.network, "subnet_for", lambda *_: addresses.FIRST_SUBNET)
        with pytest.raises(FleetError, match=f"port {port}.*in use by") as caught:
            checks.check_addresses(layout, INFO)
    assert "kill" in caught.value.mend


def test_a_checkout_without_commits(monkeypatch, tmp_path):
    monkeypatch.setattr(checks, "REPOSITORY", tmp_path)
    with pytest.raises(FleetError, match="no commit here") as caught:
        checks.check_commits()
    assert "not a git repository" in caught.value.where


def test_a_checkout_that_git_does_not_trust(monkeypatch, tmp_path):
    monkeypatch.setattr(checks, "REPOSITORY", tmp_path)
    run(["git", "init", "--quiet", str(tmp_path)])
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "absent"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(FleetError, match="another user") as caught:
        checks.check_commits()
    assert caught.value.mend == f"git config --global --add safe.directory {tmp_path}"


def test_data_and_target_come_together(tmp_path):
    checks.check_data(None, None)
    with pytest.raises(FleetError, match="without a target"):
        checks.check_data(tmp_path / "x.csv", None)
    with pytest.raises(FleetError, match="without a data file"):
        checks.check_data(None, "price")


@pytest.mark.parametrize("name", ["registry", "git", "UPPER", "a_b"])
def test_a_node_cannot_bear_the_name_of_a_service(name, good_machine, layout, tmp_path):
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(f"all: {{children: {{cpu_nodes: {{hosts: {{{name}: }}}}}}}}")
    with pytest.raises(FleetError, match=name):
        checks.check(Wanted(layout, inventory, spec_file=SPEC_FILE))


def test_an_inventory_that_is_not_there(good_machine, layout, tmp_path):
    with pytest.raises(FleetError, match="no such inventory"):
        checks.check(Wanted(layout, tmp_path / "absent", spec_file=SPEC_FILE))
