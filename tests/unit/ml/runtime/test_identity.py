"""Which run a task belongs to, when it is new, cloned, reset or goes on."""

from types import SimpleNamespace

import pytest

from ml.catalog import PHASES
from ml.runtime.identity import settle
from ml.runtime.step import Outcome


class Server:
    def __init__(self, *outcomes, has_begun=False):
        self._outcomes = outcomes
        self._has_begun = has_begun
        self.deleted, self.edited = [], []

    def record(self, task_id):
        return SimpleNamespace(id=task_id, has_begun=self._has_begun)

    def edit_task(self, task_id, **changes):
        self.edited.append((task_id, changes))

    def outcomes(self, run_id):
        return [one for one in self._outcomes if run_id in one.name]

    def delete_properties(self, task_id, properties):
        self.deleted += properties

    def delete_configuration(self, task_id, *objects):
        self.deleted += objects


def task(tags=("run:r1",), configuration=(), runtime=None):
    return SimpleNamespace(
        id="me",
        data=SimpleNamespace(runtime=runtime, configuration=dict.fromkeys(configuration)),
        get_tags=lambda: list(tags),
        reload=lambda: None,
    )


def outcome(phase, status, reference="other"):
    return Outcome(reference, f"{phase} r1", phase, status)


RAN = (outcome("pipeline", "completed"), outcome("preprocessing", "completed", "p"))
GIVEN = {"properties/run_id": "r1"}
PIPELINE, TRAINING = PHASES["pipeline"], PHASES["training"]


def test_a_controller_keeps_the_run_that_it_was_started_for():
    own = outcome("pipeline", "in_progress", "me")
    assert settle(task(), PIPELINE, GIVEN, Server(own)) == "r1"


@pytest.mark.parametrize(
    "outcomes",
    [RAN, [outcome("training", "failed")], [outcome("training", "queued")]],
    ids=["cloned", "reset", "reset while a step waits"],
)
def test_a_controller_whose_run_has_begun_takes_a_new_one(outcomes):
    assert settle(task(), PIPELINE, GIVEN, Server(*outcomes)) not in {"", "r1"}


def test_a_clone_does_not_follow_its_sources_plan_nor_bear_its_results():
    given = {**GIVEN, "properties/failure": "x", "properties/best_model": "ridge"}
    server = Server(*RAN)
    settle(task(configuration=["Pipeline", "started-1"]), PIPELINE, given, server)
    assert sorted(server.deleted) == ["Pipeline", "best_model", "failure", "started-1", "steps"]


def test_steps_that_somebody_wrote_into_a_clone_of_the_template_are_removed():
    server = Server()
    settle(task(tags=["template"], configuration=["routing", "steps"]), PIPELINE, {}, server)
    assert "steps" in server.deleted
    assert "routing" not in server.deleted


def test_a_controller_that_goes_on_keeps_its_run_and_its_plan():
    server = Server(*RAN, has_begun=True)
    going_on = task(
        configuration=["Pipeline", "steps", "started-1"], runtime={"_pipeline_hash": "x:1.0.0"}
    )
    assert settle(going_on, PIPELINE, GIVEN, server) == "r1"
    assert (server.deleted, server.edited) == ([], [])


def test_a_controller_that_was_reset_plans_anew_though_the_server_kept_its_runtime():
    server = Server(*RAN)
    was_reset = task(
        configuration=["Pipeline", "steps"], runtime={"_pipeline_hash": "x:1.0.0", "other": "kept"}
    )
    assert settle(was_reset, PIPELINE, GIVEN, server) not in {"", "r1"}
    assert server.deleted == ["Pipeline", "steps"]
    assert server.edited == [("me", {"runtime": {"other": "kept"}})]


@pytest.mark.parametrize("status", ["created", "queued"])
def test_a_clone_that_has_not_started_takes_no_run_away(status):
    assert settle(task(), PIPELINE, GIVEN, Server(outcome("pipeline", status))) == "r1"


def test_a_step_cloned_by_hand_joins_the_run():
    assert settle(task(), TRAINING, {}, Server(*RAN)) == "r1"


def test_a_clone_of_a_template_gets_a_run_of_its_own_or_the_one_it_names():
    assert settle(task(tags=["template"]), PIPELINE, {}, Server())
    named = {"Input/run_id": "r7"}
    assert settle(task(tags=["template"]), PHASES["training-summary"], named, Server()) == "r7"
