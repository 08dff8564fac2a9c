from collections.abc import Mapping
from dataclasses import replace

import pytest

from fleet.drift import LiveWorker
from fleet.drift.workers import compare_workers
from fleet.plan import Node
from tests.unit.drift.conftest import NODES, Fleet, contract


def compared(fleet, live):
    return list(compare_workers(fleet.spec, fleet.plans(), live))


def with_worker(live, worker_id, **changes):
    """The server with one worker otherwise."""
    worker = live.workers.get(worker_id) or LiveWorker(worker_id)
    return replace(live, workers={**live.workers, worker_id: replace(worker, **changes)})


def without(live, *ids):
    return replace(live, workers={k: v for k, v in live.workers.items() if k not in ids})


def test_equal_workers_are_no_difference_whatever_they_do(fleet):
    assert compared(fleet, fleet.live()) == []


def test_a_slot_that_nobody_has_heard_of_is_to_add(fleet):
    (found,) = compared(fleet, without(fleet.live(), "gpu-1:1"))
    assert (found.action, found.kind, found.name, found.node) == (
        "add",
        "worker",
        "gpu-1:1",
        "gpu-1",
    )
    assert found.why.startswith("the server has not heard of it; gpu_nodes, GPU 1, would serve gpu")
    assert found.mend == "(cd ansible && ansible-playbook site.yml --limit gpu-1)"
    assert "docker logs" in found.hint
    assert found.last_heard == ""


def test_a_lost_slot_is_to_add_and_says_when_it_was_last_heard(fleet):
    heard = "2026-11-23T19:00:00+00:00"
    (found,) = compared(
        fleet, with_worker(fleet.live(), "cpu-1:0", lost=True, last_heard=heard, tags=())
    )
    assert (found.action, found.name, found.last_heard) == ("add", "cpu-1:0", heard)
    assert f"lost: last heard at {heard}" in found.why


def test_an_agent_whose_successor_stands_by_wants_nothing_done(fleet):
    live = fleet.live()
    tags = [tag for tag in live.workers["cpu-1:1"].tags if not tag.startswith("image:")]
    leaving = (*tags, "image:sha256:old", "state:draining", "successor:stands-by")

    (found,) = compared(fleet, with_worker(live, "cpu-1:1", tags=leaving))

    assert (found.action, found.name) == ("change", "cpu-1:1")
    assert "its successor, which stands by, goes on" in found.why
    assert "site.yml" not in found.mend
    assert "look again when its task is over" in found.mend


def test_queues_in_another_order_are_a_change_by_what_the_worker_says(fleet):
    live = fleet.live()
    tags = live.workers["cpu-1:1"].tags
    assert "queues:cpu-infer,cpu-all" in tags
    turned = tuple(tag.replace("cpu-infer,cpu-all", "cpu-all,cpu-infer") for tag in tags)
    (found,) = compared(fleet, with_worker(live, "cpu-1:1", tags=turned))
    assert (found.action, found.name, found.node) == ("change", "cpu-1:1", "cpu-1")
    (change,) = found.changes
    assert (change.field, change.old, change.new) == (
        "order of queues",
        "cpu-all,cpu-infer",
        "cpu-infer,cpu-all",
    )


def test_the_order_that_the_server_gives_queues_in_is_no_difference(fleet):
    live = with_worker(fleet.live(), "cpu-1:1", queues=("cpu-all", "cpu-infer"))
    assert compared(fleet, live) == []


def test_other_queues_are_one_change_whatever_their_order(fleet):
    live = with_worker(fleet.live(), "cpu-1:1", queues=("cpu-all", "old"))
    tags = tuple(
        "queues:old,cpu-all" if tag.startswith("queues:") else tag
        for tag in live.workers["cpu-1:1"].tags
    )
    (found,) = compared(fleet, with_worker(live, "cpu-1:1", tags=tags))
    (change,) = found.changes
    assert (change.field, change.old, change.new) == (
        "queues",
        "cpu-all, old",
        "cpu-infer, cpu-all",
    )


def test_a_worker_without_queues_is_a_change(fleet):
    (found,) = compared(fleet, with_worker(fleet.live(), "cpu-1:1", queues=()))
    assert found.changes[0].old == "none"


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("image", "image"),
        ("agent", "agent image"),
        ("group", "node group"),
        ("devices", "devices"),
        ("settings", "limits, mounts and object stores (hash)"),
    ],
)
def test_each_tag_that_says_otherwise_is_a_change_of_its_field(fleet, kind, field):
    live = fleet.live()
    tags = live.workers["gpu-1:0"].tags
    other = tuple(f"{kind}:other" if tag.startswith(f"{kind}:") else tag for tag in tags)
    assert other != tags
    (found,) = compared(fleet, with_worker(live, "gpu-1:0", tags=other))
    (change,) = found.changes
    assert (change.field, change.old) == (field, "other")
    assert f"{kind}:{change.new}" in tags


def test_tags_of_another_hand_and_another_order_are_no_difference(fleet):
    live = fleet.live()
    tags = ("rack-7", *reversed(live.workers["gpu-1:0"].tags), "note:to be moved")
    assert compared(fleet, with_worker(live, "gpu-1:0", tags=tags)) == []


def test_an_agent_without_tags_does_not_say_what_it_runs(fleet):
    (found,) = compared(fleet, with_worker(fleet.live(), "ctl:0", tags=()))
    assert (found.action, found.why) == ("change", "it does not say which image it runs")
    assert {change.old for change in found.changes} == {"not said"}


def test_a_new_image_is_a_change_of_each_of_its_slots(fleet):
    live = fleet.live()
    fleet.digests = fleet.digests | {"cpu": "sha256:" + "9" * 64}
    found = compared(fleet, live)
    assert [item.name for item in found] == ["ctl:0", "cpu-1:0", "cpu-1:1"]
    assert {change.field for item in found for change in item.changes} == {"image"}


def test_a_slot_beyond_the_plan_is_to_remove(fleet):
    live = fleet.live()
    fleet.nodes = (*NODES[:2], Node("gpu-1", ("gpu_nodes",), gpus=1))
    (found,) = compared(fleet, live)
    assert (found.action, found.name, found.node) == ("remove", "gpu-1:1", "gpu-1")
    assert "the node has 1 slot now" in found.why


def test_the_slots_of_a_disabled_node_are_to_remove_and_say_why(fleet):
    live = fleet.live()
    fleet.nodes = (*NODES[:1], Node("cpu-1", ("cpu_nodes",), disabled="broken disk"), NODES[2])
    found = compared(fleet, live)
    assert [(item.action, item.name) for item in found] == [
        ("remove", "cpu-1:0"),
        ("remove", "cpu-1:1"),
    ]
    assert all("disabled: broken disk" in item.why for item in found)


def test_a_lost_worker_that_nobody_wants_needs_nothing(fleet):
    live = with_worker(fleet.live(), "cpu-1:7", lost=True)
    assert compared(fleet, with_worker(live, "elsewhere:0", lost=True)) == []


@pytest.mark.parametrize(
    ("worker_id", "why"),
    [
        ("laptop:0", "it is named after no node of the inventory"),
        ("laptop", "it is named after no node of the inventory"),
        ("cpu-1", "it is named after no node of the inventory"),
        ("cpu-1:gpu0", "it reports from cpu-1 under a name that is no slot's"),
        ("cpu-1:0:1", "it is named after no node of the inventory"),
    ],
)
def test_a_worker_that_is_no_slots_is_unknown(fleet, worker_id, why):
    (found,) = compared(fleet, with_worker(fleet.live(), worker_id, queues=("cpu-all",)))
    assert (found.action, found.name, found.node) == ("unknown", worker_id, "")
    assert why in found.why
    assert "polls cpu-all" in found.why


def test_workers_that_are_unmanaged_are_left_out():
    fleet = Fleet(contract(unmanaged={"workers": ["laptop-*:?"]}))
    live = with_worker(with_worker(fleet.live(), "laptop-7:0"), "laptop-7:10")
    assert [item.name for item in compared(fleet, live)] == ["laptop-7:10"]


@pytest.mark.parametrize("patterns", [["cpu-*", "?*"], ["cpu-1:*"], ["cpu-1:[0-9]", "cpu-1:??*"]])
def test_no_pattern_hides_what_runs_on_the_fleets_own_nodes(patterns):
    fleet = Fleet(contract(unmanaged={"workers": patterns}))
    live = fleet.live()
    live = with_worker(with_worker(live, "cpu-1:5"), "cpu-1:gpu0")
    fleet.nodes = (NODES[0], Node("cpu-1", ("cpu_nodes",), disabled="broken disk"), NODES[2])
    assert [(item.action, item.name) for item in compared(fleet, live)] == [
        ("remove", "cpu-1:0"),
        ("remove", "cpu-1:1"),
        ("remove", "cpu-1:5"),
        ("unknown", "cpu-1:gpu0"),
    ]


@pytest.mark.parametrize("number", ["00", "01", "+1", "1_0", "\u0661", "1" * 5000])
def test_what_only_looks_like_a_slots_number_is_none(fleet, number):
    (found,) = compared(fleet, with_worker(fleet.live(), f"cpu-1:{number}"))
    assert (found.action, found.name) == ("unknown", f"cpu-1:{number}")
    assert "under a name that is no slot's" in found.why
    assert "unmanaged" not in found.mend


def test_a_services_task_belongs_to_its_slot(fleet):
    task = "ctl:0:service:" + "0" * 32
    assert compared(fleet, with_worker(fleet.live(), task)) == []
    # Its agent is gone, but the slot is declared: the missing agent is what is told.
    (found,) = compared(fleet, without(with_worker(fleet.live(), task), "ctl:0"))
    assert (found.action, found.name) == ("add", "ctl:0")


def test_a_services_task_of_a_slot_that_goes_is_told_once(fleet):
    live = with_worker(fleet.live(), "ctl:0:service:" + "0" * 32)
    fleet.nodes = (Node("ctl", ("controllers",), disabled="moved"), *NODES[1:])
    assert [item.name for item in compared(fleet, live)] == ["ctl:0"]
    (found,) = compared(fleet, without(live, "ctl:0"))
    assert (found.action, found.name) == ("remove", "ctl:0:service:" + "0" * 32)


def test_a_node_whose_gpus_are_not_known_is_one_line(fleet):
    live = fleet.live()
    fleet.nodes = (*NODES[:2], Node("gpu-1", ("gpu_nodes",)))
    (found,) = compared(fleet, live)
    assert (found.action, found.name, found.node) == ("add", "gpu-1:*", "gpu-1")
    assert "not known before site.yml has asked the node" in found.why
    assert "2 of its workers report already" in found.why
    assert "--limit gpu-1" in found.mend


def test_the_known_slots_of_such_a_node_are_compared(fleet):
    fleet.nodes = (*NODES[:2], Node("gpu-1", ("cpu_nodes", "gpu_nodes")))
    found = compared(fleet, without(fleet.live(), "gpu-1:1"))
    assert [item.name for item in found] == ["gpu-1:1", "gpu-1:*"]


def test_a_node_name_with_a_colon_is_told_from_the_slots_number():
    fleet = Fleet(nodes=(Node("rack:7", ("cpu_nodes",)),))
    assert compared(fleet, fleet.live()) == []


class Counting(Mapping):
    """A mapping that counts how often it is looked into."""

    def __init__(self, items):
        self.items_, self.looks = items, 0

    def __getitem__(self, key):
        self.looks += 1
        return self.items_[key]

    def __iter__(self):
        for key in self.items_:
            self.looks += 1
            yield key

    def __len__(self):
        return len(self.items_)


def _looks(count, change):
    """How often the live workers are looked at, for so many nodes with 8 GPUs each."""
    fleet = Fleet(nodes=tuple(Node(f"gpu-{i}", ("gpu_nodes",), gpus=8) for i in range(count)))
    live = fleet.live(templates={})
    if change == "other nodes":
        fleet.nodes = tuple(replace(node, name=f"new-{node.name}") for node in fleet.nodes)
    workers = Counting(dict(live.workers))
    found = compared(fleet, replace(live, workers=workers))
    return workers.looks, len(found)


@pytest.mark.parametrize(("change", "differences"), [("none", 0), ("other nodes", 16)])
def test_the_work_grows_as_the_fleet_does(change, differences):
    small, found = _looks(10, change)
    large, found_of_large = _looks(100, change)
    assert (found, found_of_large) == (differences * 10, differences * 100)
    assert small <= 8 * 10 * 5
    assert large <= 10 * small


def test_plans_are_gone_through_once_and_not_kept(fleet):
    live = fleet.live()
    assert list(compare_workers(fleet.spec, iter(list(fleet.plans())), live)) == []
