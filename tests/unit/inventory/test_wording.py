"""What is told of a node's variables: once, in plain words, and with all that disagree."""

from __future__ import annotations

import functools

import pytest

from fleet.found import read_found, write_found
from fleet.inventory import inspect, reading
from tests.own_contract import SPEC


@pytest.fixture
def told(write):
    def problems_and_notes(variables: str):
        seen = inspect(SPEC, write(f"gpu_nodes: {{hosts: {{gpu-1: {{{variables}}}}}}}\n"))
        rules = ("missing-variable", "queue-without-node")
        return [each for each in seen.problems if each.rule not in rules], seen.notes

    return problems_and_notes


@pytest.mark.parametrize("value", ["-1", "many", '"{{ nowhere }}"'])
def test_a_wrong_number_of_gpus_is_told_once(told, value):
    (problem,), notes = told(f"fleet_gpus: {value}")
    assert "fleet_gpus" in problem.what
    assert notes == []


def test_a_wrong_limit_is_told_as_in_the_contract(told):
    (problem,), _ = told("fleet_gpus: 1, fleet_overrides: {gpu_nodes: {limits: {cpus: few}}}")
    assert problem.what == (
        "host gpu-1: fleet_overrides.gpu_nodes.limits.cpus is 'few', not a number from 0.01 to 4096"
    )
    assert problem.mend.startswith("`cpus`: ")


def test_the_variables_that_disagree_are_named(told):
    (problem,), _ = told("fleet_gpus: 2, fleet_overrides: {gpu_nodes: {slots: 4}}")
    assert problem.what == (
        "host gpu-1: 4 GPU slots are wanted but 2 GPUs are free, by fleet_overrides and fleet_gpus"
    )


def test_what_was_found_is_named_where_it_disagrees(told, write, monkeypatch, tmp_path):
    monkeypatch.setattr(reading, "read_found", functools.partial(read_found, state=tmp_path))
    write_found(write({}), {"gpu-1": {"gpus": 2}}, state=tmp_path)
    (problem,), _ = told("fleet_slots: 4")
    assert problem.what.endswith(", by fleet_slots and what site.yml found of its GPUs")


def test_a_group_and_an_override_that_are_nearly_right_are_hinted_at(told):
    (problem, _), _ = told("fleet_gpus: 1, fleet_overrides: {GPU_node: {slots: 1}, x: {}}")
    assert "did you mean 'gpu_nodes'?" in problem.mend
