"""Stable templates that nobody is to clone, on the embedded server."""

import pytest

from fleet.drift import Wanted, read_live
from fleet.drift.templates import compare_templates
from fleet.templates import StepCode, find_template, publish
from ml.catalog import PHASES
from ml.runtime.conventions import TEMPLATE_PROJECT, template_mark, template_tags
from tests.own_contract import SPEC

DIGESTS = dict.fromkeys(SPEC.images, "sha256:" + "0" * 64)
CODE = StepCode("git://example/fleet.git", "a" * 40)
WANTED = Wanted(SPEC, "registry:5000", DIGESTS)


def _publish(api):
    publish(api, SPEC, CODE, registry=WANTED.registry, digests=DIGESTS)


def _surplus(api):
    return list(compare_templates(WANTED, read_live(api)))


@pytest.fixture
def made(api):
    """Makes a marked template by hand; what is left of them is removed at the end."""
    _publish(api)
    project = find_template(api, "training")["project"]
    ids = []

    def make(phase):
        task = api.call("tasks.create", name=phase, type="training", project=project)["id"]
        api.call("tasks.edit", task=task, tags=[*template_tags(phase), template_mark(task)])
        ids.append(task)
        return task

    yield make
    for task in ids:
        api.call("tasks.delete", task=task, force=True)


def test_a_template_of_a_phase_that_is_gone_is_told(api, made):
    assert _surplus(api) == []
    task = made("old-phase")
    assert "old-phase" not in PHASES
    (found,) = _surplus(api)
    assert (found.action, found.name) == ("remove", "old-phase")
    assert task in found.why
    assert TEMPLATE_PROJECT in found.mend
    api.call("tasks.edit", task=task, system_tags=["archived"])
    assert _surplus(api) == []


def test_publishing_puts_a_second_stable_template_away(api, made):
    before = find_template(api, "training")["id"]
    newest = made("training")
    found = [item for item in _surplus(api) if item.action == "remove"]
    assert [item.name for item in found] == ["training"]
    assert f"task {before} is older than the newest, task {newest}" in found[0].why
    assert found[0].mend == "fleet template publish"
    _publish(api)
    assert _surplus(api) == []


def test_a_clone_that_somebody_made_is_no_surplus(api, made):
    template = find_template(api, "training")
    clone = api.call("tasks.clone", task=template["id"], new_task_name="training")["id"]
    assert _surplus(api) == []
    api.call("tasks.delete", task=clone, force=True)
