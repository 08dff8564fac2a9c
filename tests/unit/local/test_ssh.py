import shutil
import stat
import subprocess

import pytest

from fleet.local import ssh

NODES = {"cpu-1": "172.30.77.129", "gpu-1": "172.30.77.130"}
KEYS = {"cpu-1": "ssh-ed25519 AAAA", "gpu-1": "ssh-ed25519 BBBB"}


def test_known_hosts_has_names_and_addresses():
    assert ssh.known_hosts(NODES, KEYS).splitlines() == [
        "cpu-1,172.30.77.129 ssh-ed25519 AAAA",
        "gpu-1,172.30.77.130 ssh-ed25519 BBBB",
    ]


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh client")
def test_ssh_understands_the_configuration(layout):
    layout.state.mkdir(parents=True)
    ssh.write(layout, NODES, KEYS)
    command = ["ssh", "-G", "-F", str(layout.ssh_config), "gpu-1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    options = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert options["hostname"] == "172.30.77.130"
    assert options["user"] == "root"
    assert options["stricthostkeychecking"] in ("yes", "true")
    assert options["userknownhostsfile"] == str(layout.known_hosts)
    assert options["identityfile"] == str(layout.ssh_key)
    assert options["identitiesonly"] == "yes"


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen")
def test_the_key_is_made_once_and_is_private(layout):
    layout.state.mkdir(parents=True)
    key = ssh.public_key(layout)
    assert key.startswith("ssh-ed25519 ")
    assert ssh.public_key(layout) == key
    assert stat.S_IMODE(layout.ssh_key.stat().st_mode) == 0o600


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen")
def test_half_a_key_is_made_again(layout):
    layout.state.mkdir(parents=True)
    ssh.public_key(layout)
    layout.ssh_key.with_suffix(".pub").unlink()
    assert ssh.public_key(layout).startswith("ssh-ed25519 ")
