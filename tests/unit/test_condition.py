from fleet.condition import condition, lines
from fleet.drift import LiveWorker

PLAN = {
    "node": "cpu-1",
    "disabled": "",
    "slots": [{"worker_id": "cpu-1:0"}, {"worker_id": "cpu-1:1"}],
}
IMAGE = "image:sha256:" + "c" * 64
WISH = {"by": "ann", "since": "2026-11-23T19:00:00Z", "reason": "a new disk"}


def worker(name, *tags, **more):
    return LiveWorker(name, tags=(IMAGE, *tags), last_heard="2026-11-23T19:01:00Z", **more)


def agent(worker, state, task=None):
    return {"worker": worker, "slot": worker, "container": "c", "state": state, "task": task}


def of(workers=(), plan=PLAN, **said):
    found = condition({"cpu-1": {"plan": plan, **said}}, {one.id: one for one in workers})
    return [(entry["slot"], entry["state"], entry["task"], entry["drained"]) for entry in found]


def test_what_the_node_says_counts_and_the_image_is_the_workers():
    slots = [agent("cpu-1:0", "busy", "t1"), agent("cpu-1:1", "idle")]
    workers = [worker("cpu-1:0", task="t1"), worker("cpu-1:1")]
    assert of(workers, slots=slots) == [
        ("cpu-1:0", "busy", "t1", ""),
        ("cpu-1:1", "idle", "", ""),
    ]
    (first, _) = condition(
        {"cpu-1": {"plan": PLAN, "slots": slots}}, {one.id: one for one in workers}
    )
    assert first["image"] == "sha256:" + "c" * 64


def test_a_slot_that_is_handed_over_has_two_entries():
    slots = [agent("cpu-1:0", "leaving", "t1"), agent("cpu-1:0", "standing-by")]
    assert [entry[:2] for entry in of(slots=slots)] == [
        ("cpu-1:0", "leaving"),
        ("cpu-1:0", "standing-by"),
        ("cpu-1:1", "absent"),
    ]


def test_a_node_that_cannot_be_reached_is_told_by_the_server():
    drained = worker("cpu-1:0", "state:draining", "drained-since:2026-11-23T19:00:00Z", task="t1")
    lost = worker("cpu-1:1", lost=True, task="t2")
    away = "(the node does not say: it cannot be reached)"
    assert of([drained, lost], error="it cannot be reached") == [
        ("cpu-1:0", f"draining {away}", "t1", "draining since 2026-11-23T19:00:00Z"),
        ("cpu-1:1", f"absent {away}", "", ""),
    ]


def test_who_drained_a_node_and_why_is_told_without_the_server():
    told = of(slots=[agent("cpu-1:0", "drained")], wish=WISH)
    assert {entry[3] for entry in told} == {"drained by ann since 2026-11-23T19:00:00Z: a new disk"}


def test_a_wish_of_which_nothing_is_known_is_told():
    slots = [agent("cpu-1:0", "drained")]
    assert {entry[3] for entry in of(slots=slots, wish={})} == {"drained"}
    assert {entry[3] for entry in of(slots=slots, wish=None)} == {""}


def test_agents_beyond_the_plan_and_nodes_without_slots_are_told():
    none = PLAN | {"slots": [], "disabled": "new fans"}
    assert of(plan=none) == [("", "disabled: new fans", "", "")]
    assert [entry[:2] for entry in of(plan=none, slots=[agent("cpu-1:0", "leaving")])] == [
        ("cpu-1:0", "leaving")
    ]


def test_the_table_has_a_heading_and_a_short_digest():
    entries = condition({"cpu-1": {"plan": PLAN, "slots": []}}, {"cpu-1:0": worker("cpu-1:0")})
    heading, first, _ = lines(entries)
    assert heading.split() == ["node", "slot", "state", "task", "image", "last", "heard"]
    assert first.split()[:5] == ["cpu-1", "cpu-1:0", "absent", "-", "c" * 12]


def test_the_table_ends_with_who_drained_what():
    slots = [agent("cpu-1:0", "drained"), agent("cpu-1:1", "drained")]
    told = lines(condition({"cpu-1": {"plan": PLAN, "slots": slots, "wish": WISH}}, {}))
    assert told[-1] == ("cpu-1:0, cpu-1:1: drained by ann since 2026-11-23T19:00:00Z: a new disk")
