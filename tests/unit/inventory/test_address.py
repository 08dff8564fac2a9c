"""Two nodes are told to be one machine only where that is sure."""

from __future__ import annotations

import pytest

from fleet.inventory.reading import read

GROUPS = ("cpu_nodes", "gpu_nodes")
SECRET = """\
!vault |
      $ANSIBLE_VAULT;1.1;AES256
      3135
"""

# Variables of the group, of the host a, of the host b → whether b is the machine that a is.
CASES = {
    "nothing": ("", "", "", False),
    "the name in a template": ('ansible_host: "{{ inventory_hostname }}.int"', "", "", False),
    "one address by a template": (
        'ansible_host: "{{ at }}"',
        "at: 10.0.0.1",
        "at: 10.0.0.1",
        True,
    ),
    "other addresses by a template": (
        'ansible_host: "{{ at }}"',
        "at: 10.0.0.1",
        "at: 10.0.0.2",
        False,
    ),
    "a template of nothing": ('ansible_host: "{{ nowhere }}"', "", "", False),
    "encrypted": (f"ansible_host: {SECRET}", "", "", False),
    "encrypted arguments": (f"ansible_ssh_common_args: {SECRET}", "ansible_host: b", "", False),
    "a list": ("ansible_host: [a, b]", "", "", False),
    "a list of arguments": ("ansible_ssh_common_args: [-v]", "ansible_host: b", "", False),
    "the port that is the default": ("", "ansible_host: b", "ansible_port: 22", True),
    "another port": ("", "ansible_host: b", "ansible_port: 23", False),
    "a port as text": ("", "{ansible_host: b, ansible_port: 23}", 'ansible_port: "23"', True),
    "the connection that is the default": ("", "ansible_host: b", "ansible_connection: ssh", True),
    "upper case": ("", "ansible_host: x.int", "ansible_host: X.int", True),
    "other jump hosts": (
        'ansible_ssh_common_args: "-J {{ jump }}"',
        "{ansible_host: 10.0.0.1, jump: x}",
        "{ansible_host: 10.0.0.1, jump: y}",
        False,
    ),
}


@pytest.mark.parametrize(("shared", "a", "b", "same"), CASES.values(), ids=CASES)
def test_one_machine_is_told_where_it_is_sure(write, shared, a, b, same):
    a, b = (text if text.startswith("{") else f"{{{text}}}" for text in (a, b))
    path = write({"hosts.yml": f"gpu_nodes:\n  hosts:\n    a: {a}\n    b: {b}\n  vars: {{}}\n"})
    if shared:
        write({"group_vars/gpu_nodes.yml": f"{shared}\n"})
    reading = read(path, lambda _: GROUPS)
    assert [node.name for node in reading.inventory.nodes] == ["a", "b"]
    assert reading.twins == ({"b": "a"} if same else {})
