"""Several inventories count as one, as for Ansible."""

from __future__ import annotations

import functools

import pytest

from fleet.errors import FleetError
from fleet.found import read_found, write_found
from fleet.inventory import inspect, read_inventory, reading
from tests.own_contract import SPEC


@pytest.fixture
def two(write):
    path = write(
        {
            "a/hosts.yml": "gpu_nodes: {hosts: {gpu-1: , gpu-2: {fleet_gpus: 1}}}\n",
            "a/group_vars/gpu_nodes.yml": "fleet_slots: 1\n",
            "b/hosts.yml": "cpu_nodes: {hosts: {cpu-1: }}\ngpu_nodes: {hosts: {gpu-3: , gpu-2: "
            "{fleet_gpus: 2}}}\n",
        }
    )
    return path / "a", path / "b"


def test_the_later_one_goes_before_the_earlier(two):
    found = read_inventory(two, SPEC.node_groups)
    nodes = {node.name: node for node in found.nodes}
    assert sorted(nodes) == ["cpu-1", "gpu-1", "gpu-2", "gpu-3"]
    assert nodes["gpu-2"].gpus == 2
    assert nodes["gpu-3"].slots == 1
    assert found.path == f"{two[0]} and {two[1]}"


def test_what_was_found_is_each_host_s_own(two, monkeypatch, tmp_path):
    monkeypatch.setattr(reading, "read_found", functools.partial(read_found, state=tmp_path))
    write_found(two[0], {"gpu-1": {"gpus": 3}}, state=tmp_path)
    write_found(two[1], {"gpu-3": {"gpus": 5}, "gpu-1": {"gpus": 7}}, state=tmp_path)
    nodes = {node.name: node for node in read_inventory(two, SPEC.node_groups).nodes}
    assert (nodes["gpu-1"].gpus, nodes["gpu-3"].gpus) == (3, 5)


def test_each_of_them_must_be_there(two, tmp_path):
    with pytest.raises(FleetError, match="there is no such inventory"):
        read_inventory((two[0], tmp_path / "none"), SPEC.node_groups)


def test_what_is_wrong_in_each_is_told_with_its_file(two):
    (two[0] / "hosts.yml").write_text("gpu_nodes: {hosts: {gpu-1: {fleet_gpus: x}}}\n")
    (two[1] / "hosts.yml").write_text("cpu_nodes: {hosts: {cpu-1: {fleet_slots: x}}}\n")
    problems = [p for p in inspect(SPEC, two).problems if p.rule == "bad-value"]
    assert [p.place.file.split("/")[-2] for p in problems] == ["a", "b"]
