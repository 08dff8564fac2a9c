import json
from copy import deepcopy

import pytest

from fleet.drift.templates import compare_templates
from fleet.errors import FleetError
from ml.catalog import PHASES
from ml.runtime.conventions import ROUTING_OBJECT
from tests.unit.drift.conftest import CODE, Fleet, contract


def compared(fleet, templates):
    return list(compare_templates(fleet.wanted, fleet.live(templates=templates)))


@pytest.fixture
def published(fleet):
    return deepcopy(dict(fleet.live().templates))


def test_what_is_published_as_publishing_would_is_no_difference(fleet, published):
    assert compared(fleet, published) == []


def test_the_commit_is_no_difference(fleet, published):
    for task in published.values():
        task["script"] |= {"version_num": "f" * 40, "branch": "other", "repository": "git://x/y"}
    assert compared(fleet, published) == []


def test_what_the_server_holds_besides_is_no_difference(fleet, published):
    published["training"] |= {"id": "0" * 32, "status": "created"}
    published["training"]["script"]["tag"] = ""
    assert compared(fleet, published) == []


def test_each_phase_that_is_not_published_is_to_add(fleet):
    found = compared(fleet, {})
    assert [(item.action, item.name) for item in found] == [("add", name) for name in PHASES]
    assert {item.mend for item in found} == {"fleet template publish"}


def test_a_new_image_is_told_old_and_new(fleet, published):
    fleet.digests = fleet.digests | {"cpu": "sha256:" + "9" * 64}
    found = compared(fleet, published)
    assert len(found) == len(PHASES)
    changes = {change.field: change for change in found[0].changes}
    assert set(changes) == {"image", "images of cpu"}
    assert changes["image"].old.endswith("c" * 64)
    assert changes["image"].new.endswith("9" * 64)
    assert CODE.commit[:12] in found[0].why


def test_a_queue_that_takes_a_phase_no_longer_is_told_old_and_new(published):
    queues = contract().model_dump()["queues"]
    queues["gpu-train"]["phases"] = ["training", "inference-batch"]
    fleet = Fleet(contract(queues=queues))
    changes = {c.field: c for item in compared(fleet, published) for c in item.changes}
    change = changes["queues of inference-batch"]
    assert (change.old, change.new) == ("cpu-all", "cpu-all, gpu-train")


def test_the_policy_of_queues_is_told(published):
    fleet = Fleet(contract(policy={"queue_choice": "fixed"}))
    changes = {c.field: c for item in compared(fleet, published) for c in item.changes}
    assert (changes["queue choice"].old, changes["queue choice"].new) == ("phase", "fixed")


def test_fields_of_a_template_are_told_by_their_names(fleet, published):
    model = published["training"]["hyperparams"]["Model"]
    model["seed"]["value"] = "other"
    del model["name"]
    (found,) = compared(fleet, published)
    fields = {change.field: change for change in found.changes}
    assert found.name == "training"
    assert fields["field Model/seed value"].old == "other"
    assert fields["field Model/name value"].old == "none"


def test_a_template_that_somebody_emptied_is_a_change_and_no_error(fleet, published):
    published["training"] = {"name": "training", "id": "0" * 32}
    (found,) = compared(fleet, published)
    assert (found.action, found.name) == ("change", "training")


@pytest.mark.parametrize("text", ["", "not JSON", "[]", "null", "{}"])
def test_a_routing_that_cannot_be_read_is_a_change_and_no_error(fleet, published, text):
    published["training"]["configuration"][ROUTING_OBJECT]["value"] = text
    (found,) = compared(fleet, published)
    assert (found.action, found.name) == ("change", "training")
    assert found.changes


def test_a_routing_that_says_the_same_in_another_form_is_no_difference(fleet, published):
    routing = published["training"]["configuration"][ROUTING_OBJECT]
    routing["value"] = json.dumps(json.loads(routing["value"]))
    assert compared(fleet, published) == []


def test_an_image_that_was_not_built_is_named(fleet, published):
    fleet.digests = {name: digest for name, digest in fleet.digests.items() if name != "cuda"}
    live = fleet.live
    with pytest.raises(FleetError, match="the image 'cuda' has no digest"):
        list(compare_templates(fleet.wanted, live(templates=published)))


def test_templates_of_phases_that_are_gone_are_to_remove(fleet, published):
    published["old-phase"] = {"id": "1" * 32, "tags": ["phase:old-phase"]}
    (found,) = compared(fleet, published)
    assert (found.action, found.name) == ("remove", "old-phase")
    assert "there is no such phase any more" in found.why
    assert "1" * 32 in found.why
    assert found.as_data()["mend"] == "archive old-phase in ClearML, in the project fleet/templates"


def test_a_second_stable_template_of_a_phase_is_to_remove(fleet, published):
    published["training"] |= {"id": "2" * 32}
    older = (
        {"id": "1" * 32, "tags": ["phase:training"]},
        {"id": "3" * 32, "tags": ["phase:old-phase"]},
    )
    live = fleet.live(templates=published, older=older)
    second, gone = compare_templates(fleet.wanted, live)
    assert (second.action, second.name) == ("remove", "training")
    assert f"task {'1' * 32} is older than the newest, task {'2' * 32}" in second.why
    assert second.mend == "fleet template publish"
    assert (gone.action, gone.name) == ("remove", "old-phase")
    assert "archive" in gone.mend
