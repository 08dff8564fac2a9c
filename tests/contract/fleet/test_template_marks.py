"""What makes a draft a template: publishing wrote the draft's own id into it."""

from __future__ import annotations

import dataclasses

import pytest

from fleet.clearml_api import ApiError
from fleet.errors import FleetError, UserError
from fleet.templates import StepCode, find_all_templates, find_template, find_templates, publish
from ml.catalog import PHASES
from ml.runtime.conventions import TEMPLATE_PROJECT, template_mark, template_tags
from ml.runtime.server import Server
from tests.own_contract import SPEC

DIGESTS = {name: "sha256:" + f"{index}" * 64 for index, name in enumerate(SPEC.images)}
CODE = StepCode("git://example/fleet.git", "c" * 40)
PUBLISHED = {"registry": "registry:5000", "digests": DIGESTS}


@pytest.fixture
def template(api):
    """The stable template of training."""
    publish(api, SPEC, CODE, **PUBLISHED)
    return find_template(api, "training")


def _all_say(api, task_id: str) -> None:
    """Client, controller and guard agree about the stable template of training."""
    server = Server(api._session)
    assert find_template(api, "training")["id"] == task_id
    assert find_all_templates(api)["training"]["id"] == task_id
    assert server.templates("stable")["training"] == task_id
    assert server.versions("training")[0].id == task_id


def _tags(api, task_id: str) -> list[str]:
    return api.call("tasks.get_by_id", task=task_id)["task"]["tags"]


def test_a_clone_that_is_named_like_the_template_is_none_and_is_left_alone(api, template):
    clone = api.call("tasks.clone", task=template["id"], new_task_name="training")["id"]
    _all_say(api, template["id"])
    assert {item.outcome for item in publish(api, SPEC, CODE, **PUBLISHED)} == {"kept"}
    newer = StepCode(CODE.repository, "d" * 40)
    assert {item.outcome for item in publish(api, SPEC, newer, **PUBLISHED)} == {"published"}
    assert "channel:stable" in _tags(api, clone)
    assert template_mark(template["id"]) in _tags(api, template["id"])
    assert "channel:retired" in _tags(api, template["id"])


def test_a_draft_with_all_tags_and_the_name_is_none(api, template):
    held = api.call("tasks.get_by_id", task=template["id"])["task"]
    api.call(
        "tasks.create",
        name="training",
        type="training",
        project=held["project"],
        script=held["script"],
        configuration=held["configuration"],
        tags=template_tags("training"),
    )
    _all_say(api, template["id"])


@pytest.mark.parametrize("place", ["archived", "another project", "started"])
def test_a_template_that_was_put_away_is_replaced(api, template, place):
    if place == "archived":
        api.call("tasks.edit", task=template["id"], system_tags=["archived"])
    elif place == "started":
        api.call("tasks.started", task=template["id"], force=True)
        api.call("tasks.failed", task=template["id"], force=True)
    else:
        project = api.call("projects.create", name="elsewhere", description="")["id"]
        api.call("tasks.edit", task=template["id"], project=project)
    with pytest.raises(FleetError, match="'training' is not published"):
        find_template(api, "training")
    assert "training" not in Server(api._session).templates("stable")
    assert template["id"] not in {one.id for one in Server(api._session).versions("training")}
    found = {item.phase: item for item in publish(api, SPEC, CODE, **PUBLISHED)}
    assert found["training"].outcome == "published"
    _all_say(api, found["training"].task_id)


def test_what_was_published_before_there_were_marks_is_replaced_and_retired(api, template):
    api.call("tasks.edit", task=template["id"], tags=template_tags("training"))
    assert find_templates(api, "training") == []
    found = {item.phase: item for item in publish(api, SPEC, CODE, **PUBLISHED)}
    assert found["training"].outcome == "published"
    assert found["preprocessing"].outcome == "kept"
    _all_say(api, found["training"].task_id)
    assert _tags(api, template["id"]) == template_tags("training", "retired")


def test_a_phase_that_cannot_be_published_keeps_all_from_being_written(api, template, monkeypatch):
    before = len(api.tasks(only_fields=["id"], search_hidden=True))
    newer = StepCode(CODE.repository, "e" * 40)
    last = list(PHASES)[-1]
    monkeypatch.setitem(PHASES, last, dataclasses.replace(PHASES[last], packages=("a==1",)))
    with pytest.raises(UserError, match="the environment is strict"):
        publish(api, SPEC, newer, **PUBLISHED)
    assert len(api.tasks(only_fields=["id"], search_hidden=True)) == before
    _all_say(api, template["id"])


def test_a_server_that_refuses_half_way_is_left_as_it_was(api, template, monkeypatch):
    before = len(api.tasks(only_fields=["id"], search_hidden=True))
    call, made = api.call, []

    def refuse(endpoint, **body):
        if endpoint == "tasks.create":
            made.append(body["name"])
            if len(made) == 3:
                raise ApiError(endpoint, 400, 1, "no", api.url)
        return call(endpoint, **body)

    monkeypatch.setattr(api, "call", refuse)
    with pytest.raises(FleetError, match=r"refused tasks\.create"):
        publish(api, SPEC, StepCode(CODE.repository, "f" * 40), **PUBLISHED)
    monkeypatch.undo()
    assert len(api.tasks(only_fields=["id"], search_hidden=True)) == before
    _all_say(api, template["id"])


def test_templates_lie_in_a_project_of_their_own(api, template):
    project = api.call("projects.get_by_id", project=template["project"])["project"]
    assert project["name"] == TEMPLATE_PROJECT
