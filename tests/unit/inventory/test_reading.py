from __future__ import annotations

import subprocess
import sys

import pytest

from fleet.errors import FleetError
from fleet.inventory import read_nodes
from fleet.paths import REPOSITORY

GROUPS = ("cpu_nodes", "gpu_nodes")


def test_variables_of_groups_count_as_those_of_hosts_do(tmp_path):
    (tmp_path / "hosts.yml").write_text(
        "all:\n  children:\n"
        "    gpu_nodes:\n      vars: {fleet_gpus: 4}\n"
        "      hosts: {gpu-1: , gpu-2: {fleet_gpus: 8}}\n"
        "    cpu_nodes:\n      hosts: {cpu-1: }\n"
    )
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "cpu_nodes.yml").write_text("fleet_slots: 3\n")
    nodes = {node.name: node for node in read_nodes(tmp_path, GROUPS)}
    assert (nodes["gpu-1"].gpus, nodes["gpu-2"].gpus) == (4, 8)
    assert nodes["cpu-1"].slots == 3


def test_ini_is_read_too(tmp_path):
    file = tmp_path / "hosts"
    file.write_text("[gpu_nodes]\ngpu-1 fleet_gpus=2\n[other]\nelse-1\n")
    (node,) = read_nodes(file, GROUPS)
    assert (node.name, node.gpus) == ("gpu-1", 2)


def test_an_inventory_without_nodes_is_refused(tmp_path):
    file = tmp_path / "hosts"
    file.write_text("[other]\nelse-1\n")
    with pytest.raises(FleetError, match="no host is in any node group"):
        read_nodes(file, GROUPS)


def test_a_user_without_a_home_can_read_an_inventory(tmp_path):
    file = tmp_path / "hosts"
    file.write_text("[gpu_nodes]\ngpu-1\n")
    script = (
        f"from pathlib import Path; from fleet.inventory import read_nodes; "
        f"print(read_nodes(Path({str(file)!r}), ['gpu_nodes'])[0].name)"
    )
    home = {"HOME": "/proc/none", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=home, cwd=REPOSITORY
    )
    assert done.stdout.strip() == "gpu-1", done.stderr
