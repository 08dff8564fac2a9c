"""Who may start what: each mode of `entry`, each kind of person of `access`."""

import pytest

from ml.catalog import PHASES
from ml.runtime.errors import UserError
from ml.runtime.policy import Access, Policy, User, check_access, check_entry

PREDICTIONS = {"inference-single", "inference-batch", "inference-optimize"}
OFFERED = {
    "pipeline": {"pipeline"} | PREDICTIONS,
    "phase": set(PHASES) - {"pipeline"},
    "both": set(PHASES),
}
ACCESS = Access(
    groups={"modellers": ["Ann Lee", "u-7"], "nobody-yet": []},
    may_run={
        "training": ["modellers", "Bo"],
        "pipeline": ["nobody-yet"],
        "preprocessing": [],
    },
)


def test_the_phases_that_predict_from_a_run_say_so_themselves():
    assert {phase.name for phase in PHASES.values() if phase.from_run} == PREDICTIONS


@pytest.mark.parametrize("entry", OFFERED)
@pytest.mark.parametrize("name", PHASES)
def test_an_entry_offers_its_templates_and_refuses_the_others(entry, name):
    policy = Policy(entry=entry)
    phase = PHASES[name]
    if name in OFFERED[entry]:
        assert check_entry(policy, phase, PHASES.values()) is None
        return
    with pytest.raises(UserError, match=f"'{name}' may not be started") as caught:
        check_entry(policy, phase, PHASES.values(), "task t1")
    assert caught.value.where == f"task t1, queues.yml, policy entry: {entry}"
    named = caught.value.mend.removeprefix("start one of: ").split(", ")
    assert set(named) == OFFERED[entry]
    assert caught.value.failure_class == "permission"


@pytest.mark.parametrize(
    ("user", "template", "may"),
    [
        (User("u-1", "Ann Lee"), "training", True),
        (User("u-7", "Cleo"), "training", True),
        (User("u-2", "Bo"), "training", True),
        (User("u-3", "Dan"), "training", False),
        (User("u-4", "modellers"), "training", False),
        (User("u-5", ""), "training", False),
        (User("u-1", "Ann Lee"), "pipeline", False),
        (User("u-1", "Ann Lee"), "preprocessing", False),
        (User("u-3", "Dan"), "inference-batch", True),
    ],
    ids=str,
)
def test_access_goes_by_user_and_group(user, template, may):
    policy = Policy(access=ACCESS)
    if may:
        assert check_access(policy, template, user) is None
        return
    with pytest.raises(UserError, match=f"may not start '{template}'") as caught:
        check_access(policy, template, user)
    assert caught.value.failure_class == "permission"
    assert f"policy access: may_run: {template}" in caught.value.where


def test_a_refusal_says_who_may_and_whom_to_ask():
    policy = Policy(access=ACCESS, owners={"training": "team models"})
    with pytest.raises(UserError) as caught:
        check_access(policy, "training", User("u-3", "Dan"))
    assert "Dan may not start 'training'" in caught.value.what
    assert "the group modellers (Ann Lee, u-7), Bo may" in caught.value.what
    assert caught.value.mend.startswith("ask team models,")
    assert "the id of Dan is u-3" in caught.value.mend
    with pytest.raises(UserError) as caught:
        check_access(policy, "preprocessing", User("u-3", "Dan"))
    assert "nobody may" in caught.value.what
    assert caught.value.mend == "ask the owner of queues.yml"


def test_a_template_of_before_there_was_a_policy_refuses_nobody():
    policy = Policy.model_validate({})
    assert all(policy.offers(phase) for phase in PHASES.values())
    assert policy.access.admits("training", User("u-3", "Dan"))
    assert policy.differences == "mark"
