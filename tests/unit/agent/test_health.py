import os
import subprocess
import time
from pathlib import Path

import pytest
from fleet_agent.health import Health

CHECK = Path(__file__).parents[3] / "images" / "agent" / "health.sh"


@pytest.fixture
def health(tmp_path):
    return Health(tmp_path)


def is_well(folder):
    environment = {"PATH": os.environ["PATH"], "FLEET_AGENT_STATE": str(folder)}
    return subprocess.run(["sh", str(CHECK)], env=environment, check=False).returncode == 0


def test_before_the_first_answered_poll_it_is_not_well(health, tmp_path):
    assert not is_well(tmp_path)


def test_after_a_poll_it_is_well(health, tmp_path):
    health.polled()

    assert is_well(tmp_path)


def test_when_polls_stay_unanswered_it_is_not_well(health, tmp_path):
    health.polled()
    seconds = int((tmp_path / "polled").read_text())
    (tmp_path / "polled").write_text(f"{seconds - 600}\n")

    assert not is_well(tmp_path)


@pytest.mark.parametrize("jump", [-86400, 86400])
def test_a_clock_that_jumps_makes_no_agent_ill_and_none_well(health, tmp_path, jump):
    health.polled()
    then = time.time() + jump
    os.utime(tmp_path / "polled", (then, then))
    assert is_well(tmp_path)

    seconds = int((tmp_path / "polled").read_text())
    (tmp_path / "polled").write_text(f"{seconds - 600}\n")
    os.utime(tmp_path / "polled", (then, then))
    assert not is_well(tmp_path)


def test_standing_by_is_well_and_the_work_after_it_has_to_show(health, tmp_path):
    health.stands_by()
    assert is_well(tmp_path)

    health.at_work()
    assert not is_well(tmp_path)


def test_a_long_task_keeps_it_well_and_its_end_counts_as_a_poll(health, tmp_path):
    with health.busy():
        assert is_well(tmp_path)

    assert not (tmp_path / "busy").exists()
    assert is_well(tmp_path)


def test_marks_of_an_agent_that_was_killed_do_not_count(health, tmp_path):
    health.polled()
    (tmp_path / "busy").touch()

    Health(tmp_path)

    assert not is_well(tmp_path)
