import pytest
from fleet_agent import reports
from fleet_agent.reports import OVERDUE_SECONDS, Reports


class Monitor:
    """Stands for the stock monitor: it notes what it was told to report."""

    def __init__(self):
        self.sent = []

    def send_report(self, stats=None):
        self.sent.append(stats)
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(reports, "monotonic", lambda: now[0])

    def go_on(seconds):
        now[0] += seconds

    return go_on


def test_a_monitor_that_is_held_up_is_overdue_until_a_report_is_sent(clock):
    monitor = Monitor()
    noted = Reports(monitor)
    clock(OVERDUE_SECONDS - 1)
    assert not noted.overdue
    clock(2)
    assert noted.overdue
    assert monitor.send_report({"cpu": 1}) is True
    assert (monitor.sent, noted.overdue) == ([{"cpu": 1}], False)


def test_a_server_that_is_away_is_not_asked_at_every_poll(clock):
    monitor = Monitor()
    monitor.send_report = lambda stats=None: False
    noted = Reports(monitor)
    clock(OVERDUE_SECONDS + 1)
    assert monitor.send_report() is False
    assert not noted.overdue
