from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import FleetError
from fleet.plan import Node, node_from_variables, plan_node
from tests.own_contract import SPEC

DIGESTS = {
    name: "sha256:" + character * 64 for name, character in zip(SPEC.images, "abc", strict=True)
}


def _plan(node: Node):
    return plan_node(SPEC, node, registry="registry:5000", digests=DIGESTS)


def test_a_cpu_node_takes_from_its_queues_in_order_of_priority():
    plan = _plan(Node("cpu-1", ["all", "cpu_nodes"]))
    assert [slot.worker_id for slot in plan.slots] == ["cpu-1:0", "cpu-1:1"]
    assert plan.slots[0].queues == ("cpu-infer", "cpu-preprocess", "cpu-train")
    assert plan.slots[0].image == f"registry:5000/fleet/cpu@{DIGESTS['cpu']}"
    assert plan.agent_image == f"registry:5000/fleet/agent@{DIGESTS['agent']}"


def test_a_gpu_node_has_a_slot_for_each_gpu_and_shares_none():
    plan = _plan(Node("gpu-1", ["gpu_nodes"], gpus=4))
    assert [slot.devices for slot in plan.slots] == [("0",), ("1",), ("2",), ("3",)]
    assert {slot.image_name for slot in plan.slots} == {"cuda"}


def test_a_node_without_gpus_has_a_gpu_slot_only_if_it_says_so():
    assert _plan(Node("gpu-1", ("gpu_nodes",), gpus=0)).slots == ()
    (slot,) = _plan(Node("gpu-1", ["gpu_nodes"], gpus=0, slots=1)).slots
    assert slot.devices == ()


def test_fewer_slots_than_gpus_share_them_evenly():
    plan = _plan(Node("gpu-1", ["gpu_nodes"], gpus=8, slots=2))
    assert [slot.devices for slot in plan.slots] == [
        ("0", "1", "2", "3"),
        ("4", "5", "6", "7"),
    ]


def test_gpus_that_would_be_left_over_are_refused():
    with pytest.raises(FleetError, match="8 GPUs cannot be shared evenly by 3 slots"):
        _plan(Node("gpu-1", ["gpu_nodes"], gpus=8, slots=3))


def test_more_slots_than_gpus_are_refused():
    with pytest.raises(FleetError, match="3 GPU slots are wanted but 2 GPUs are free"):
        _plan(Node("gpu-1", ["gpu_nodes"], gpus=2, slots=3))


def test_a_node_of_several_groups_numbers_its_slots_through():
    plan = _plan(Node("one", ["gpu_nodes", "cpu_nodes", "controllers"], gpus=1))
    assert [slot.worker_id for slot in plan.slots] == ["one:0", "one:1", "one:2", "one:3"]
    assert [slot.services for slot in plan.slots] == [True, False, False, False]


def test_a_missing_digest_is_named_with_what_to_do():
    with pytest.raises(FleetError, match="the image 'agent' has no digest") as caught:
        plan_node(SPEC, Node("cpu-1", ["cpu_nodes"]), registry="r", digests={})
    assert "fleet images build agent --push r" in str(caught.value)


@given(
    gpus=st.integers(0, 16),
    slots=st.none() | st.integers(0, 16),
    groups=st.sets(st.sampled_from(sorted(SPEC.node_groups))),
)
def test_no_two_slots_own_the_same_gpu(gpus, slots, groups):
    try:
        plan = _plan(Node("node", sorted(groups), gpus=gpus, slots=slots))
    except FleetError:
        shared = "gpu_nodes" in groups and (slots > gpus > 0 or gpus % slots)
        assert shared or ("controllers" in groups and slots > 1)
        return
    owned = [gpu for slot in plan.slots for gpu in slot.devices]
    assert len(owned) == len(set(owned))
    assert set(owned) <= set(map(str, range(gpus)))
    assert "gpu_nodes" not in groups or slots == 0 or set(owned) == set(map(str, range(gpus)))
    assert len({slot.worker_id for slot in plan.slots}) == len(plan.slots)


@pytest.mark.parametrize("value", ["many", -1, 1.5, True, [1]])
def test_a_variable_that_is_no_count_is_refused_by_name(value):
    with pytest.raises(FleetError, match=r"fleet_gpus is .*not a number") as caught:
        node_from_variables("gpu-1", ["gpu_nodes"], {"fleet_gpus": value})
    assert "host gpu-1" in str(caught.value)


def test_ini_inventories_hold_numbers_as_text():
    assert node_from_variables("gpu-1", [], {"fleet_gpus": "8"}).gpus == 8
