"""What holds of every plan: over all kinds of groups, nodes, layouts and overrides."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.errors import FleetError
from fleet.plan import Node, Override, plan_fleet, plan_node
from fleet.spec import Spec

GROUPS = {
    "controllers": {"image": "cpu", "services": True},
    "cpu_nodes": {"image": "cpu", "slots": 2, "limits": {"cpus": 4, "memory": "8GiB"}},
    "pairs": {"image": "cuda", "accelerator": "gpu", "slots": 2},
    "mig_nodes": {"image": "cuda", "accelerator": "gpu", "slots": "per_mig"},
    "gpu_nodes": {"image": "cuda", "accelerator": "gpu", "slots": "per_gpu"},
    "more_mig": {"image": "cuda", "accelerator": "gpu", "slots": "per_mig"},
    "more_gpu": {"image": "cuda", "accelerator": "gpu", "slots": "per_gpu"},
}
SPEC = Spec.model_validate(
    {
        "version": 1,
        "images": {name: {"repository": f"fleet/{name}"} for name in ("agent", "cpu", "cuda")},
        "node_groups": GROUPS,
        "queues": {
            f"q-{group.replace('_', '-')}": {
                "node_group": group,
                "priority": 1,
                "phases": ["training"],
            }
            for group in GROUPS
        },
    }
)
DIGESTS = dict.fromkeys(SPEC.images, "sha256:" + "1" * 64)
PROFILES = ("1g.10gb", "2g.20gb", "3g.40gb")

counts = st.integers(0, 9)
overrides = st.builds(
    Override,
    slots=st.none() | counts,
    gpus=st.none() | counts,
)
nodes = st.builds(
    Node,
    name=st.from_regex(r"[a-z][a-z0-9-]{0,6}", fullmatch=True),
    groups=st.sets(st.sampled_from([*GROUPS, "all", "racks"])).map(sorted).map(tuple),
    gpus=st.none() | counts,
    mig=st.dictionaries(
        st.integers(0, 10), st.lists(st.sampled_from(PROFILES), max_size=4).map(tuple), max_size=4
    ),
    slots=st.none() | counts,
    overrides=st.dictionaries(st.sampled_from(list(GROUPS)), overrides, max_size=3),
    disabled=st.sampled_from(["", "", "", "broken"]),
)


def _plan(node: Node):
    return plan_node(SPEC, node, registry="registry", digests=DIGESTS)


def _there(node: Node) -> set[str]:
    """Everything that a slot may own: GPUs that are whole, and instances of those that are not."""
    whole = {str(gpu) for gpu in range(node.gpus or 0) if not node.mig.get(gpu)}
    return whole | {
        f"{gpu}:{number}"
        for gpu, profiles in node.mig.items()
        if gpu < (node.gpus or 0)
        for number in range(len(profiles))
    }


@settings(max_examples=500, deadline=None)
@given(nodes)
def test_each_device_is_there_and_has_one_owner(node):
    try:
        plan = _plan(node)
    except FleetError as error:
        _check_reason(node, error)
        return
    owned = [device for slot in plan.slots for device in slot.devices]
    assert len(owned) == len(set(owned))
    assert set(owned) <= _there(node)
    for slot in plan.slots:
        assert slot.group in node.groups
        assert not slot.devices or GROUPS[slot.group].get("accelerator") == "gpu"
        if GROUPS[slot.group].get("accelerator") == "gpu" and node.gpus:
            assert slot.devices, "two tasks would meet on a GPU that neither owns"
            per_mig = GROUPS[slot.group]["slots"] == "per_mig"
            assert all((":" in device) == per_mig for device in slot.devices)


def _check_reason(node: Node, error: FleetError) -> None:
    """Devices run short only on nodes that have some or are told to share some."""
    if error.rule == "services-slots":
        assert "controllers" in node.groups
        return
    gpu_groups = [name for name in node.groups if "gpu" in GROUPS.get(name, {}).values()]
    assert gpu_groups
    wants = [node.overrides[name].gpus for name in gpu_groups if name in node.overrides]
    assert node.gpus or any(wants)


@settings(deadline=None)
@given(nodes)
def test_workers_are_numbered_through_and_named_once(node):
    try:
        plan = _plan(node)
    except FleetError:
        return
    numbers = range(len(plan.slots))
    assert [slot.worker_id for slot in plan.slots] == [f"{node.name}:{n}" for n in numbers]
    assert [slot.name for slot in plan.slots] == [f"{node.name}-{n}" for n in numbers]
    groups = [slot.group for slot in plan.slots]
    assert groups == sorted(groups, key=list(GROUPS).index)


@settings(deadline=None)
@given(nodes)
def test_the_count_is_what_is_said(node):
    try:
        plan = _plan(node)
    except FleetError:
        return
    if node.disabled:
        assert (plan.slots, plan.disabled) == ((), node.disabled)
        return
    for name in set(node.groups) & set(GROUPS) - set(plan.unknown_gpus):
        override = node.overrides.get(name, Override())
        said = next(
            (
                count
                for count in (override.slots, node.slots, GROUPS[name].get("slots", 1))
                if isinstance(count, int)
            ),
            None,
        )
        if said is not None:
            assert len([slot for slot in plan.slots if slot.group == name]) == said


@settings(deadline=None)
@given(nodes)
def test_gpus_that_are_not_known_are_said_to_be(node):
    if node.gpus is not None or node.disabled:
        return
    try:
        plan = _plan(node)
    except FleetError:
        return
    assert not any(slot.devices for slot in plan.slots)
    assert not {slot.group for slot in plan.slots} & set(plan.unknown_gpus)


@settings(deadline=None, max_examples=50)
@given(st.lists(nodes, max_size=6, unique_by=lambda node: node.name), nodes)
def test_another_node_changes_no_plan(fleet, other):
    def plans(members):
        found = {}
        for node in members:
            try:
                found[node.name] = _plan(node)
            except FleetError as error:
                found[node.name] = str(error)
        return found

    before = plans(fleet)
    after = plans([node for node in (other, *reversed(fleet)) if node.name != other.name] + [other])
    assert {name: after[name] for name in before if name != other.name} == {
        name: plan for name, plan in before.items() if name != other.name
    }


def test_a_fleet_is_planned_one_node_at_a_time():
    taken = []

    def members():
        for name in "abc":
            taken.append(name)
            yield Node(name, ("cpu_nodes",))

    plans = plan_fleet(SPEC, members(), registry="registry", digests=DIGESTS)
    assert next(plans).node == "a"
    assert taken == ["a"]
