"""Drift: what queues.yml and an inventory declare, compared with what a server has."""

from fleet.drift.compare import compare
from fleet.drift.live import LOST_SECONDS, read_live, read_workers
from fleet.drift.model import Difference, FieldChange, Live, LiveWorker, Wanted
from fleet.queues import LiveQueue

__all__ = [
    "LOST_SECONDS",
    "Difference",
    "FieldChange",
    "Live",
    "LiveQueue",
    "LiveWorker",
    "Wanted",
    "compare",
    "read_live",
    "read_workers",
]
