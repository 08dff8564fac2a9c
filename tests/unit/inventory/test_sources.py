"""Every kind of inventory that Ansible reads; those that fail are told."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fleet.errors import FleetError
from fleet.inventory import read_inventory
from fleet.inventory.environment import prepare
from fleet.paths import REPOSITORY

GROUPS = ("cpu_nodes", "gpu_nodes")

PROGRAM = f"""
    #!{sys.executable}
    import json
    print(json.dumps({{
        "gpu_nodes": {{"hosts": ["gpu-1", "gpu-2"], "vars": {{"fleet_gpus": 4}}}},
        "_meta": {{"hostvars": {{"gpu-2": {{"fleet_gpus": 2}}}}}},
    }}))
"""


def _gpus(path: Path) -> dict[str, int | None]:
    return {node.name: node.gpus for node in read_inventory(path, GROUPS).nodes}


def test_a_program_gives_hosts_and_variables(write):
    assert _gpus(write({"hosts.py": PROGRAM})) == {"gpu-1": 4, "gpu-2": 2}


def test_an_inventory_plugin_gives_hosts(write):
    path = write(
        {
            "generated.yml": """
                plugin: ansible.builtin.generator
                hosts: {name: "{{ number }}-gpu", parents: [{name: gpu_nodes}]}
                layers: {number: [a, b]}
            """,
            "group_vars/gpu_nodes.yml": "fleet_gpus: 8\n",
        }
    )
    assert _gpus(path) == {"a-gpu": 8, "b-gpu": 8}


def test_plugins_of_collections_are_found(write, tmp_path):
    """Collections are a setting of the process: a process of its own reads."""
    plugin = tmp_path / "ansible_collections/site/own/plugins/inventory/cmdb.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(
        "from ansible.plugins.inventory import BaseInventoryPlugin\n"
        "DOCUMENTATION = '''\nname: cmdb\nshort_description: a\ndescription: a\n"
        "options: {plugin: {description: a, required: true}}\n'''\n"
        "class InventoryModule(BaseInventoryPlugin):\n"
        "    NAME = 'site.own.cmdb'\n"
        "    def parse(self, inventory, loader, path, cache=True):\n"
        "        super().parse(inventory, loader, path)\n"
        "        inventory.add_group('gpu_nodes')\n"
        "        inventory.add_host('gpu-7', 'gpu_nodes')\n"
        "        inventory.set_variable('gpu-7', 'fleet_gpus', 3)\n"
    )
    path = write({"cmdb.yml": "plugin: site.own.cmdb\n"})
    script = (
        "from pathlib import Path; from fleet.inventory import read_nodes; "
        f"print(read_nodes(Path({str(path)!r}), {GROUPS!r})[0].gpus)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(tmp_path)},
    )
    assert done.stdout.strip() == "3", done.stderr


def test_files_of_a_folder_count_together(write):
    path = write(
        {
            "a.yml": "gpu_nodes: {hosts: {gpu-1: }}\n",
            "b": "[cpu_nodes]\ncpu-1\n[gpu_nodes]\ngpu-1 fleet_gpus=6\n",
            "host_vars/cpu-1.yml": "fleet_gpus: 1\n",
        }
    )
    assert _gpus(path) == {"gpu-1": 6, "cpu-1": 1}


def test_the_settings_of_the_playbooks_hold(monkeypatch):
    monkeypatch.delenv("ANSIBLE_CONFIG", raising=False)
    prepare()
    assert os.environ["ANSIBLE_CONFIG"] == str(REPOSITORY / "ansible" / "ansible.cfg")
    monkeypatch.setenv("ANSIBLE_CONFIG", "/site/ansible.cfg")
    prepare()
    assert os.environ["ANSIBLE_CONFIG"] == "/site/ansible.cfg"


def test_a_program_that_fails_is_told_with_its_own_words(write):
    path = write({"hosts.sh": "#!/bin/sh\necho no route to the register >&2\nexit 3\n"})
    with pytest.raises(FleetError) as caught:
        read_inventory(path, GROUPS)
    assert "exit code 3" in str(caught.value)
    assert "no route to the register" in str(caught.value)


def test_a_program_that_does_not_end_is_stopped(write):
    prepare()
    from fleet.inventory.source import Source

    path = write(
        {"hosts.sh": "#!/bin/sh\nsleep 300 & wait\n", "more.yml": "cpu_nodes: {hosts: {a: }}"}
    )
    started = time.monotonic()
    source = Source(path, patience=1)
    assert time.monotonic() - started < 60
    (problem,) = source.problems
    assert problem.what == "its programs did not end in 1 s, and were stopped"
    assert problem.place.file.endswith("hosts.sh")
    assert [entry.name for entry in source] == ["a"]


def test_nothing_is_printed(write, capfd):
    path = write(
        {"hosts.yml": "cpu-nodes: {hosts: {a: {bad-name: 1}}}\ncpu_nodes: {hosts: {a: }}\n"}
    )
    inventory = read_inventory(path, GROUPS)
    assert capfd.readouterr() == ("", "")
    assert any("bad-name" in note for note in inventory.notes)


def test_a_path_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FleetError, match="there is no such inventory"):
        read_inventory(tmp_path / "nothing", GROUPS)
