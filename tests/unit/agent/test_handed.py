import json
import threading

import pytest
from fleet_agent.handed import Handed, hand


@pytest.fixture
def handed(tmp_path):
    return Handed(tmp_path / "handed")


def test_whoever_hands_a_task_over_is_told_its_end(handed, tmp_path):
    answers = []
    caller = threading.Thread(
        target=lambda: answers.append(hand(tmp_path / "handed", "t1", 20)), daemon=True
    )
    caller.start()
    while (task := handed.take()) is None and caller.is_alive():
        pass
    assert task == "t1"
    assert handed.is_taken("t1")

    handed.done("t1", "completed", "all well")

    caller.join(20)
    assert answers == [{"task": "t1", "status": "completed", "message": "all well"}]
    assert not handed.is_taken("t1")


def test_a_task_that_was_not_begun_in_time_never_is(handed, tmp_path):
    assert hand(tmp_path / "handed", "t1", 0) is None
    assert handed.take() is None


def test_an_agent_that_only_begins_is_waited_for(tmp_path):
    answers = []
    caller = threading.Thread(
        target=lambda: answers.append(hand(tmp_path / "handed", "t1", 20)), daemon=True
    )
    caller.start()
    caller.join(0.5)
    handed = Handed(tmp_path / "handed")
    while (task := handed.take()) is None and caller.is_alive():
        pass
    assert task == "t1"

    again = Handed(tmp_path / "handed")  # one that knows nothing of the task
    while (task := again.take()) is None and caller.is_alive():
        pass
    again.done(task, "in_progress", "not run")

    caller.join(20)
    assert answers == [{"task": "t1", "status": "in_progress", "message": "not run"}]


def test_an_agent_that_never_begins_is_not(tmp_path):
    assert hand(tmp_path / "handed", "t1", 0) is None


def test_an_answer_of_before_is_none_of_now(handed, tmp_path):
    handed.done("t1", "completed", "")
    assert hand(tmp_path / "handed", "t1", 0) is None


def test_tasks_are_taken_once_each(handed, tmp_path):
    for task in ("t2", "t1"):
        (tmp_path / "handed" / f"{task}.asked").touch()
    assert [handed.take(), handed.take(), handed.take()] == ["t1", "t2", None]


def test_an_agent_begins_without_what_another_left(handed, tmp_path):
    handed.done("t1", "completed", "")
    (tmp_path / "handed" / "t2.asked").touch()
    assert json.loads((tmp_path / "handed" / "t1.done").read_text())["task"] == "t1"
    assert Handed(tmp_path / "handed").take() is None
    assert list((tmp_path / "handed").iterdir()) == []
