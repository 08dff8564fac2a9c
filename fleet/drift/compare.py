"""Declared against live, as a whole. Pure: no file, no connection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fleet.drift.model import Difference, Live, Wanted
from fleet.drift.queues import compare_queues
from fleet.drift.templates import compare_templates
from fleet.drift.workers import compare_workers
from fleet.plan import NodePlan


def compare(wanted: Wanted, plans: Iterable[NodePlan], live: Live) -> Iterator[Difference]:
    """What of a server is not as declared: queues, then workers, then templates.

    Parameters
    ----------
    wanted : Wanted
        The contract, and what it is filled in with.
    plans : iterable of NodePlan
        The plan of each node; it is gone through once.
    live : Live
        What the server has.

    Raises
    ------
    FleetError
        As making the plans does, or an image of a template has no digest.
    """
    yield from compare_queues(wanted.spec, live, wanted.commands)
    yield from compare_workers(wanted.spec, plans, live, wanted.commands)
    yield from compare_templates(wanted, live)
