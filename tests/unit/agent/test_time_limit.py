import signal
import time

import pytest
from fleet_agent import time_limit as module
from fleet_agent.time_limit import Alarm, TimeUp, time_limit

pytestmark = pytest.mark.usefixtures("alarm")


def wait_until(condition):
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def test_what_takes_too_long_is_ended():
    with pytest.raises(TimeUp, match=r"0\.01 s"), time_limit(0.01):
        time.sleep(20)


def test_what_ends_in_time_leaves_no_timer():
    with time_limit(600):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 500
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_with_no_time_left_nothing_begins():
    with pytest.raises(TimeUp), time_limit(-1):
        raise AssertionError("begun")


def test_the_clients_own_retries_do_not_catch_it():
    assert not issubclass(TimeUp, Exception)


def test_a_limit_within_another_does_not_end_that_one():
    def limited_and_slow():
        with time_limit(600):
            pass
        time.sleep(20)

    with pytest.raises(TimeUp, match=r"0\.05 s"), time_limit(0.05):
        limited_and_slow()


def test_the_earlier_end_counts_whichever_was_set_first():
    with pytest.raises(TimeUp, match=r"0\.01 s"), time_limit(600), time_limit(0.01):
        time.sleep(20)
    with pytest.raises(TimeUp, match=r"0\.01 s"), time_limit(0.01), time_limit(600):
        time.sleep(20)


def test_two_ends_at_once_are_both_told(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    told = []
    alarm = Alarm()
    for name in ("second", "first"):
        alarm.set(2 if name == "second" else 1, lambda name=name: told.append(name))

    now[0] += 2
    signal.raise_signal(signal.SIGALRM)

    assert wait_until(lambda: len(told) == 2)
    assert told == ["first", "second"]


def test_a_signal_before_its_time_ends_nothing():
    told = []
    alarm = Alarm()
    mark = alarm.set(600, lambda: told.append(1))

    signal.raise_signal(signal.SIGALRM)

    assert told == []
    assert signal.getitimer(signal.ITIMER_REAL)[0] > 500
    alarm.clear(mark)
    alarm.clear(mark)
