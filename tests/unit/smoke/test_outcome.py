from fleet.smoke import Handed, Outcome, Proof, as_data, not_proven, weigh

IMAGE = "registry:5000/fleet/cpu@sha256:" + "a" * 64
OTHER = "registry:5000/fleet/cpu@sha256:" + "b" * 64
PASSED = Outcome("t", "completed", True)


def judged(handed: Handed, outcome: Outcome = PASSED) -> Proof:
    return weigh({"n-0": handed}, {"n-0": IMAGE}, {outcome.task: outcome})


def test_a_slot_whose_task_passed_from_its_image_is_proven():
    assert judged(Handed("t", "ran", image=IMAGE)).passed == ("n-0",)


def test_a_busy_slot_is_not_proven_yet_and_no_failure():
    proof = weigh({"n-0": Handed("t", "waiting", "standing by")}, {"n-0": IMAGE}, {})

    assert proof == Proof((), {"n-0": "standing by"}, {})
    (line,) = not_proven({"n": proof})
    assert "Not proven yet: slot n-0 of n: standing by" in line
    assert "--limit n" in line
    assert as_data({"n": proof})["wrong"] == {}


def test_what_docker_started_goes_before_what_the_task_says_of_itself():
    for image in (OTHER, ""):
        (problem,) = judged(Handed("t", "ran", image=image)).failed["n-0"]

        assert problem.startswith("image: Docker started ")
        assert "fix: run site.yml" in problem


def test_a_task_that_could_not_be_handed_over_is_told():
    (problem,) = judged(Handed("t", "error", "the slot has no agent")).failed["n-0"]

    assert "the slot has no agent" in problem
    assert "slot n-0, task t" in problem


def test_the_problems_of_a_task_are_told_with_slot_and_host():
    failed = Outcome("t", "failed", False, ("mount /data: it is not mounted",))
    proof = judged(Handed("t", "ran", image=IMAGE), failed)

    data = as_data({"n": proof})

    assert data["wrong"] == {"n": ["slot n-0: mount /data: it is not mounted"]}
    assert data["passed"] == {}
    # a module's result that has this key is a failure, whatever is in it
    assert "failed" not in data
