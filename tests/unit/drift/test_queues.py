from dataclasses import replace

from fleet.drift import LiveQueue, LiveWorker
from fleet.drift.queues import compare_queues
from tests.unit.drift.conftest import Fleet, contract


def test_equal_queues_are_no_difference(fleet):
    assert list(compare_queues(fleet.spec, fleet.live())) == []


def test_a_declared_queue_that_is_not_there_is_to_add(fleet):
    live = fleet.live(
        queues=tuple(LiveQueue(name) for name in fleet.spec.queues if "gpu" not in name)
    )
    (found,) = compare_queues(fleet.spec, live)
    assert (found.action, found.kind, found.name) == ("add", "queue", "gpu-train")
    assert "gpu_nodes would serve it: training" in found.why
    assert found.as_data()["mend"] == (
        "(cd ansible && ansible-playbook site.yml)  # creates gpu-train"
    )


def test_a_stray_queue_says_what_waits_and_who_polls(fleet):
    live = fleet.live()
    stray = LiveQueue("team-b", 3)
    nobody = LiveQueue("old-one")
    workers = {
        **live.workers,
        **{f"laptop:{i}": LiveWorker(f"laptop:{i}", ("team-b",)) for i in range(5)},
        "gone:0": LiveWorker("gone:0", ("old-one",), lost=True),
    }
    live = replace(live, queues=(*live.queues, stray, nobody), workers=workers)
    first, second = compare_queues(fleet.spec, live)
    assert (first.action, first.name) == ("unknown", "team-b")
    assert "3 tasks waiting, polled by laptop:0, laptop:1, laptop:2 and 2 more" in first.why
    assert first.as_data()["mend"].startswith("declare team-b in queues.yml, or name under ")
    assert "site.yml -e fleet_prune=true), which removes what is empty" in first.mend
    assert (second.name, second.why) == ("old-one", "not declared; empty, nobody polls it")


def test_queues_that_are_unmanaged_are_left_out_by_name_or_pattern():
    fleet = Fleet(contract(unmanaged={"queues": ["default", "team-*"]}))
    strays = [LiveQueue(name) for name in ("default", "team-b", "a-team-c", "defaults")]
    live = replace(fleet.live(), queues=(*fleet.live().queues, *strays))
    assert [item.name for item in compare_queues(fleet.spec, live)] == ["a-team-c", "defaults"]


def test_the_servers_own_default_queue_is_no_difference(fleet):
    live = fleet.live()
    own = LiveQueue("default", 2, default=True)
    assert list(compare_queues(fleet.spec, replace(live, queues=(*live.queues, own)))) == []


def test_a_default_queue_that_is_declared_is_the_fleets():
    data = contract().model_dump(exclude_unset=True)
    data["queues"]["default"] = data["queues"].pop("gpu-train")
    fleet = Fleet(contract(queues=data["queues"]))
    (found,) = compare_queues(fleet.spec, fleet.live(queues=fleet.live().queues[:-1]))
    assert (found.action, found.name) == ("add", "default")


def test_a_declared_queue_is_declared_though_a_pattern_fits_it():
    fleet = Fleet(contract(unmanaged={"queues": ["*"]}))
    found = list(compare_queues(fleet.spec, fleet.live(queues=())))
    assert [item.name for item in found] == list(fleet.spec.queues)
