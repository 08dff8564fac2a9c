from __future__ import annotations

import copy
import json

import pytest

from fleet.templates import Part, StepCode, differing_parts, template_content
from ml.catalog import PHASES
from tests.own_contract import SPEC

DIGESTS = dict.fromkeys(SPEC.images, "sha256:" + "0" * 64)
CODE = StepCode("git://example/fleet.git", "a" * 40)


def _content(spec=SPEC, code=CODE):
    return template_content(
        spec, PHASES["training"], code, registry="registry:5000", digests=DIGESTS
    )


def test_a_template_as_published_has_no_differing_part():
    published = {**_content(), "id": "t1", "status": "created"}
    # the server leaves out what is empty
    published["script"] = {key: value for key, value in published["script"].items() if value}
    assert differing_parts(published, _content()) == []


def test_the_commit_is_named_with_both_values():
    newer = StepCode(CODE.repository, "b" * 40)
    (part,) = differing_parts(_content(), _content(code=newer))
    assert part == Part("script.version_num", "a" * 40, "b" * 40)


def test_of_the_routing_only_what_moved_is_named():
    queues = {**SPEC.queues}
    training = [phase for phase in queues["gpu-train"].phases if phase != "training"]
    queues["gpu-train"] = queues["gpu-train"].model_copy(update={"phases": training})
    (part,) = differing_parts(_content(), _content(SPEC.model_copy(update={"queues": queues})))
    assert part == Part(
        "configuration.routing.queues.training", ["cpu-train", "gpu-train"], ["cpu-train"]
    )


def test_a_queue_that_is_no_more_is_named():
    published = copy.deepcopy(_content())
    routing = json.loads(published["configuration"]["routing"]["value"])
    routing["accelerators"]["old-queue"] = "cpu"
    published["configuration"]["routing"]["value"] = json.dumps(routing)
    (part,) = differing_parts(published, _content())
    assert part == Part("configuration.routing.accelerators.old-queue", "cpu", None)


def test_a_field_and_a_routing_key_that_are_no_more_are_named():
    published = copy.deepcopy(_content())
    published["hyperparams"]["Model"]["depth"] = {"value": "3"}
    published["hyperparams"]["Old"] = {"field": {"value": "1"}}
    routing = json.loads(published["configuration"]["routing"]["value"])
    published["configuration"]["routing"]["value"] = json.dumps({**routing, "old": 1})
    names = [part.name for part in differing_parts(published, _content())]
    assert names == [
        "configuration.routing.old",
        "hyperparams.Model.depth",
        "hyperparams.Old.field",
    ]


@pytest.mark.parametrize("value", ["", "no JSON", "[]", None])
def test_routing_that_cannot_be_read_differs_as_a_whole(value):
    published = copy.deepcopy(_content())
    published["configuration"]["routing"]["value"] = value
    (part,) = differing_parts(published, _content())
    assert (part.name, part.published) == ("configuration.routing", value)
