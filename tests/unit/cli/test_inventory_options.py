"""`fleet validate`, `plan` and `explain` with inventories, as people call them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest

from fleet.inventory.environment import prepare
from fleet.paths import REPOSITORY
from tests.own_contract import SPEC_FILE, SPEC_TEXT

HOSTS = """\
all:
  children:
    controllers: {hosts: {controller-1: }}
    cpu_nodes: {hosts: {cpu-1: }}
    gpu_nodes: {hosts: {gpu-1: {fleet_gpus: 1}}}
"""
NOT_BUILT = ("--ignore", "image-without-digest")


def _fleet(*arguments: object, before: str = "", **options) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{before}\nfrom fleet.cli import main; main()"]
        + [str(argument) for argument in arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **{"env": {**os.environ, "PYTHONPATH": str(REPOSITORY)}, **options},
    )
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def inventory(tmp_path):
    """An inventory under a contract of its own, whose group `cpu_nodes` has another name."""
    own = tmp_path / "own.yml"
    own.write_text(SPEC_TEXT.replace("cpu_nodes", "workers"))
    folder = tmp_path / "inventory"
    (folder / "group_vars").mkdir(parents=True)
    (folder / "host_vars").mkdir()
    (folder / "hosts.yml").write_text(HOSTS.replace("cpu_nodes", "workers"))
    (folder / "group_vars" / "all.yml").write_text(
        textwrap.dedent(f"""\
            fleet_registry: registry:5000
            fleet_digests_file: {tmp_path}/digests.yml
            fleet_queues_file: {own}
            queues_config_file: {tmp_path}/clearml.conf
        """)
    )
    return folder


def _set(inventory, variable: str, value: str) -> None:
    file = inventory / "group_vars" / "all.yml"
    kept = [line for line in file.read_text().splitlines() if not line.startswith(variable)]
    file.write_text("\n".join([*kept, f"{variable}: {value}", ""]))


def _hide(inventory) -> None:
    """Disable a node in a file that is encrypted."""
    prepare()
    from ansible.parsing.vault import VaultLib, VaultSecret

    text = VaultLib([("default", VaultSecret(b"secret"))]).encrypt("fleet_disabled: true\n")
    (inventory / "host_vars" / "gpu-1.yml").write_bytes(text)


def test_an_inventory_is_checked_under_the_contract_that_it_names(inventory):
    done = _fleet("validate", "-i", inventory, *NOT_BUILT)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith(f"{inventory.parent}/own.yml and {inventory}: ")
    done = _fleet("validate", "-i", inventory, "--spec", SPEC_FILE, *NOT_BUILT)
    assert done.returncode == 1
    assert "[queue-without-node]" in done.stdout


def test_a_contract_that_is_not_there_is_told(inventory):
    _set(inventory, "fleet_queues_file", "/nowhere/queues.yml")
    done = _fleet("validate", "-i", inventory, "--ignore", "unreadable-file")
    assert done.returncode == 1
    assert "fleet_queues_file is /nowhere/queues.yml, and no such file is there" in done.stdout
    assert f"note: queues.yml was not checked: {inventory} says which one it is" in done.stdout


def test_an_inventory_that_cannot_be_read_cannot_be_left_out(inventory):
    (inventory / "hosts.yml").write_text("all: [\n")
    done = _fleet("validate", "-i", inventory, "--ignore", "inventory-unreadable")
    assert done.returncode == 1
    assert "[inventory-unreadable]" in done.stdout


def test_several_inventories_count_together(inventory, tmp_path):
    more = tmp_path / "more.yml"
    more.write_text("gpu_nodes: {hosts: {gpu-2: {fleet_gpus: 2}}}\n")
    both = ("-i", inventory, "-i", more)
    done = _fleet("validate", *both, "--json")
    assert json.loads(done.stdout)["counts"]["nodes"] == 4
    done = _fleet("plan", *both, "--offline", "--json")
    assert [node["node"] for node in json.loads(done.stdout)["nodes"]] == [
        "controller-1",
        "cpu-1",
        "gpu-1",
        "gpu-2",
    ]
    for name in ("gpu-1", "gpu-2"):
        done = _fleet("explain", "node", name, *both, "--json")
        assert json.loads(done.stdout)["subject"] == f"node {name}"
    done = _fleet("explain", "queue", "gpu-train", *both)
    assert "3 agents on 2 nodes" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "command",
    [("plan", "--offline"), ("explain", "node", "gpu-1"), ("explain", "queue", "gpu-train")],
)
def test_what_was_left_out_of_an_inventory_is_told(inventory, command):
    _hide(inventory)
    done = _fleet(*command, "-i", inventory)
    assert done.returncode == 0, done.stderr
    assert "host_vars/gpu-1.yml is encrypted and left out" in done.stderr
    done = _fleet(*command, "-i", inventory, "--json")
    (note,) = json.loads(done.stdout)["notes"]
    assert "host_vars/gpu-1.yml is encrypted and left out" in note


@pytest.mark.parametrize("variable", ["fleet_registry", "fleet_digests_file", "queues_config_file"])
def test_what_is_not_known_yet_is_told_with_its_reason(inventory, variable):
    _set(inventory, variable, "\"{{ undef(hint='we are moving') }}\"")
    done = _fleet("plan", "-i", inventory)
    assert done.returncode == 1
    assert f"{variable} cannot be told yet: we are moving" in done.stderr
    assert "make up" not in done.stderr


def test_a_user_whom_the_machine_does_not_know_can_check_an_inventory(inventory):
    """Without HOME, and without an entry in the list of users."""
    before = (
        "import pwd\n"
        "def nobody(*_): raise KeyError('no such user')\n"
        "pwd.getpwuid = pwd.getpwnam = nobody\n"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)}
    folder = inventory.parent / "elsewhere"
    folder.mkdir()
    done = _fleet(
        "validate", "-i", inventory, *NOT_BUILT, before=before, env=environment, cwd=folder
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(folder.iterdir()) == []


def test_a_current_folder_that_was_removed_is_told(inventory, tmp_path):
    gone = tmp_path / "gone"
    before = f"import os; os.mkdir({str(gone)!r}); os.chdir({str(gone)!r}); os.rmdir({str(gone)!r})"
    for command in (("validate",), ("validate", "--sarif"), ("plan", "--offline")):
        done = _fleet(*command, "-i", inventory, before=before, cwd=tmp_path)
        assert done.returncode == 1
        assert "the current folder is not there any more" in done.stdout + done.stderr
