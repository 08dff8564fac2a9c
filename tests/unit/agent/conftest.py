"""The agent's entry point is no part of the installed packages: it lives in its image."""

import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "images" / "agent"))


@pytest.fixture
def alarm():
    """Afterwards signals and the timer are as before: the tests' own limit uses them, too."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    left, again = signal.setitimer(signal.ITIMER_REAL, 0)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in handlers.items():
        signal.signal(number, handler)
    signal.setitimer(signal.ITIMER_REAL, left, again)
