"""Reaching the nodes of a local fleet: one key, the nodes' own host keys, names that resolve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from fleet.command import run
from fleet.local.layout import Layout, write_private

#: Where Ansible keeps the connections that it shares (`control_path_dir` of ansible.cfg).
_SHARED_CONNECTIONS = Path("~/.ansible/cp").expanduser()

_HEAD = """\
# Written by `fleet local up`: `ssh -F {path} NODE` opens a node of the local fleet.
Host *
  # A node that was removed must not hold up whoever reaches for its successor.
  ServerAliveInterval 5
  ServerAliveCountMax 3
  ConnectTimeout 10
  LogLevel ERROR
"""
_HOST = """
Host {name}
  HostName {address}
  User root
  IdentityFile "{state}/ssh_key"
  IdentitiesOnly yes
  UserKnownHostsFile "{state}/known_hosts"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
"""


def public_key(layout: Layout) -> str:
    """The public half of the fleet's key, which is made on first use."""
    public = layout.ssh_key.with_suffix(".pub")
    if not (layout.ssh_key.exists() and public.exists()):
        layout.ssh_key.unlink(missing_ok=True)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"fleet-{layout.name}"]
        run([*command, "-f", str(layout.ssh_key)])
    return public.read_text()


def write(layout: Layout, nodes: Mapping[str, str], host_keys: Mapping[str, str]) -> None:
    """Write `ssh_config` and `known_hosts`.

    Parameters
    ----------
    layout : Layout
        The fleet.
    nodes : mapping of str to str
        Address of each node.
    host_keys : mapping of str to str
        Public host key of each node, `TYPE BASE64`.
    """
    write_private(layout.known_hosts, known_hosts(nodes, host_keys))
    write_private(layout.ssh_config, config(layout, nodes))


def config(layout: Layout, nodes: Mapping[str, str]) -> str:
    """Text of `ssh_config`."""
    hosts = [
        _HOST.format(name=name, address=address, state=layout.state)
        for name, address in nodes.items()
    ]
    return _HEAD.format(path=layout.ssh_config) + "".join(hosts)


def known_hosts(nodes: Mapping[str, str], host_keys: Mapping[str, str]) -> str:
    """Text of `known_hosts`: a node under its name and its address."""
    return "".join(f"{name},{nodes[name]} {key}\n" for name, key in host_keys.items())


def reachable(layout: Layout, node: str) -> bool:
    """Whether a node takes our key and runs a command."""
    command = ["ssh", "-F", str(layout.ssh_config), "-o", "BatchMode=yes", node, "true"]
    return run(command, timeout=30, check=False).returncode == 0


def close_shared(layout: Layout, nodes: Iterable[str]) -> None:
    """End the connections to these nodes that Ansible keeps open for its next run."""
    if not layout.ssh_config.exists() or not _SHARED_CONNECTIONS.is_dir():
        return
    for node in nodes:
        path = f"ControlPath={_SHARED_CONNECTIONS}/%C"
        command = ["ssh", "-F", str(layout.ssh_config), "-o", path, "-O", "exit", node]
        run(command, timeout=15, check=False)
