import os
import signal

import pytest
from fleet_agent.drain import Drain, Drained


@pytest.fixture
def drain():
    previous = signal.getsignal(signal.SIGTERM)
    drain = Drain()
    drain.install()
    yield drain
    signal.signal(signal.SIGTERM, previous)


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
