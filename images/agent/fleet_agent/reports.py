"""Reports of a worker that no clock can hold up.

The stock monitor reckons with the time of day: a clock that is set back by an hour silences it for
an hour, and the server takes the worker for dead.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

#: The stock monitor reports each 30 s; one that has not for so long is held up.
OVERDUE_SECONDS = 40


class Reports:
    """When a monitor last reported, in time that only goes on.

    Parameters
    ----------
    monitor : clearml_agent.helper.resource_monitor.ResourceMonitor
        Its `send_report` is replaced by one that notes the time.
    """

    def __init__(self, monitor: Any) -> None:
        self._send = monitor.send_report
        self._tried = monotonic()
        monitor.send_report = self.send

    def send(self, stats: Any = None) -> Any:
        """Report now; whether the server was told."""
        # A server that is away is not asked at every poll.
        self._tried = monotonic()
        return self._send(stats)

    @property
    def overdue(self) -> bool:
        """Whether the monitor should have reported by itself."""
        return monotonic() - self._tried > OVERDUE_SECONDS
