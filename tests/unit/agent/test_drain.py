import os
import signal
import time

import pytest
from fleet_agent.drain import Drain, Drained, PutBack
from fleet_agent.time_limit import TimeUp, time_limit


@pytest.fixture
def drain(alarm):
    drain = Drain()
    drain.install()
    return drain


@pytest.fixture
def hasty(alarm):
    """One whose tasks have next to no time after the first signal."""
    drain = Drain(0.05)
    drain.install()
    return drain


def send_sigterm():
    os.kill(os.getpid(), signal.SIGTERM)


def test_with_nothing_in_hand_the_signal_ends_the_agent_at_once(drain):
    with pytest.raises(Drained):
        send_sigterm()


def test_with_a_task_in_hand_the_signal_waits_for_its_end(drain):
    assert drain.hold()

    send_sigterm()

    assert drain.asked
    with pytest.raises(Drained):
        drain.release()


def test_nothing_may_be_taken_after_the_signal(drain):
    drain.hold()
    send_sigterm()

    assert not drain.hold()


def test_the_loop_goes_on_when_no_signal_came(drain):
    assert drain.hold()
    drain.release()
    assert drain.hold()


def test_the_loops_own_handler_of_errors_does_not_catch_it():
    assert not issubclass(Drained, Exception)


def test_a_second_signal_cuts_what_runs(drain):
    drain.hold()
    send_sigterm()
    with pytest.raises(PutBack), drain.cuttable():
        send_sigterm()
    assert "second time" in drain.cut


def test_a_second_signal_waits_for_what_must_not_be_cut(drain):
    drain.hold()
    send_sigterm()
    send_sigterm()

    assert drain.cut
    with pytest.raises(PutBack), drain.cuttable():
        raise AssertionError("nothing begins any more")


def test_what_puts_the_task_back_is_not_cut_itself(drain):
    drain.hold()
    send_sigterm()
    with drain.cuttable():
        with pytest.raises(PutBack):
            send_sigterm()
        send_sigterm()


def test_the_deadline_cuts_what_runs(hasty):
    hasty.hold()
    send_sigterm()
    with pytest.raises(PutBack), hasty.cuttable():
        time.sleep(20)
    assert "0.05 s" in hasty.cut


def test_a_limit_on_a_request_does_not_take_the_deadline_away(hasty):
    hasty.hold()
    send_sigterm()
    with time_limit(600):
        pass
    with pytest.raises(PutBack), hasty.cuttable():
        time.sleep(20)


def test_a_deadline_within_a_limit_on_a_request_is_the_deadline(hasty):
    hasty.hold()
    send_sigterm()
    with time_limit(600):
        end = time.monotonic() + 20
        while not hasty.cut and time.monotonic() < end:
            time.sleep(0.005)
    assert "0.05 s" in hasty.cut


def test_a_limit_holds_though_the_drain_begins_within_it(hasty):
    def signal_and_wait():
        send_sigterm()
        end = time.monotonic() + 20
        while time.monotonic() < end:
            time.sleep(0.005)

    hasty.hold()
    with pytest.raises(TimeUp), time_limit(0.2):
        signal_and_wait()
    assert "0.05 s" in hasty.cut


def test_a_cut_that_somebody_caught_can_be_made_again(drain):
    drain.hold()
    send_sigterm()
    drain.cut_now()
    with drain.cuttable():
        with pytest.raises(PutBack):
            send_sigterm()
        with pytest.raises(PutBack):
            drain.cut_now()
    drain.cut_now()


def test_a_wish_to_cut_waits_for_the_end_of_what_must_be_whole(drain):
    whole = []

    def begin():
        with drain.uncut():
            send_sigterm()
            whole.append(True)

    drain.hold()
    send_sigterm()
    with drain.cuttable(), pytest.raises(PutBack):
        begin()
    assert whole


def test_how_long_ago_the_last_signal_came(drain):
    assert not drain.told_within(60)
    drain.hold()
    send_sigterm()
    assert drain.told_within(60)
    drain._signalled -= 61
    assert not drain.told_within(60)
