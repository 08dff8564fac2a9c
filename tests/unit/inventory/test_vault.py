"""Inventories with secrets are read without them, and with them where a password is given."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from fleet.inventory.environment import prepare
from fleet.paths import REPOSITORY
from tests.own_contract import SPEC_FILE

PASSWORD = "open sesame"
HOSTS = """
    gpu_nodes: {hosts: {gpu-1: {fleet_gpus: 2}}}
"""
VALUES = """
    fleet_registry: "{{ vault_registry | default('open:5000') }}"
    queues_config_file: "/conf/{{ vault_folder }}"
    clearml_agent_secret_key: "{{ vault_key }}"
"""


@pytest.fixture
def inventory(write, tmp_path):
    password = tmp_path / "password"
    password.write_text(f"{PASSWORD}\n")
    path = write(
        {
            "hosts.yml": HOSTS,
            "group_vars/all/main.yml": VALUES,
            "group_vars/all/vault.yml": _encrypted(
                "vault_registry: closed:5000\nvault_folder: x\n"
            ),
            "group_vars/gpu_nodes.yml": _value("vault_key", "abc"),
        }
    )
    return path, password


def _encrypted(text: str) -> str:
    prepare()
    from ansible.parsing.vault import VaultLib, VaultSecret

    return VaultLib([("default", VaultSecret(PASSWORD.encode()))]).encrypt(text).decode()


def _value(name: str, text: str) -> str:
    return f"{name}: !vault |\n{textwrap.indent(_encrypted(text), '  ')}"


def _run(command, password=None) -> str:
    environment = {key: value for key, value in os.environ.items() if "VAULT" not in key}
    if password is not None:
        environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(password)
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        env=environment,
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _read(path: Path, password=None) -> str:
    """The passwords are settings of the process: a process of its own reads."""
    script = (
        "from pathlib import Path; from fleet.inventory import read_inventory\n"
        f"i = read_inventory(Path({str(path)!r}), ['gpu_nodes'])\n"
        "print(i.nodes[0].gpus, i.registry, i.config_file)\nprint(*i.notes, sep='\\n')\n"
    )
    return _run([sys.executable, "-c", script], password)


def test_without_the_password_all_else_is_read(inventory):
    first, *notes = _read(inventory[0]).splitlines()
    assert first == "2 open:5000 None"
    assert "vault.yml is encrypted and left out" in notes[0]
    assert notes[1].startswith("queues_config_file cannot be told yet")
    assert "vault_folder" in notes[1]


def test_with_the_password_it_is_read_in_full(inventory):
    assert _read(*inventory).split("\n") == ["2 closed:5000 /conf/x", "", ""]


def test_a_wrong_password_is_no_reason_to_stop(inventory, tmp_path):
    other = tmp_path / "other"
    other.write_text("something else\n")
    assert _read(inventory[0], other).startswith("2 open:5000 None\n")
    assert "password file" in _read(inventory[0], tmp_path / "missing")


def test_a_value_that_is_encrypted_alone_is_decrypted(inventory):
    path, password = inventory
    (path / "group_vars" / "gpu_nodes.yml").write_text(_value("fleet_registry", "own:5000"))
    assert _read(path, password).startswith("2 own:5000 /conf/x\n")
    first, *notes = _read(path).splitlines()
    assert first == "2 None None"
    assert any(note.startswith("fleet_registry cannot be told yet") for note in notes)


def test_an_inventory_that_is_encrypted_itself_is_told(inventory):
    path, _ = inventory
    (path / "hosts.yml").write_text(_encrypted(HOSTS))
    script = (
        "from pathlib import Path; from fleet.inventory import inspect\n"
        "from fleet.spec import load\n"
        f"print(*inspect(load({str(SPEC_FILE)!r}), Path({str(path)!r})).problems)\n"
    )
    said = _run([sys.executable, "-c", script])
    assert "Ansible cannot read it: A vault password must be specified" in said
