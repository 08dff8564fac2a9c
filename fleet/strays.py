"""Queues that a server has and queues.yml does not: which, what waits there, and who polls them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from fleet.patterns import matcher
from fleet.queues import LiveQueue

_SHOWN = 3


@dataclass(frozen=True)
class StrayQueue:
    """A queue that nobody declared.

    Attributes
    ----------
    queue : LiveQueue
        As the server has it.
    pollers : tuple of str
        Ids of the live workers that poll it.
    """

    queue: LiveQueue
    pollers: tuple[str, ...]

    @property
    def in_use(self) -> bool:
        """Whether somebody would miss it."""
        return bool(self.queue.waiting or self.pollers)

    @property
    def use(self) -> str:
        """What waits in it and who polls it, in words."""
        count = self.queue.waiting
        waiting = f"{count} task{'s' if count > 1 else ''} waiting" if count else "empty"
        if not self.pollers:
            return f"{waiting}, nobody polls it"
        more = len(self.pollers) - _SHOWN
        names = ", ".join(self.pollers[:_SHOWN])
        return f"{waiting}, polled by {names}{f' and {more} more' if more > 0 else ''}"


def find_strays(
    queues: Iterable[LiveQueue],
    workers: Iterable[tuple[str, Collection[str]]],
    declared: Collection[str],
    unmanaged: Iterable[str] = (),
) -> list[StrayQueue]:
    """The queues that are not declared, in the order given.

    Parameters
    ----------
    queues : iterable of LiveQueue
        All of the server's.
    workers : iterable of (str, collection of str)
        Each live worker: its id, and the names of the queues that it polls.
    declared : collection of str
        Names of the fleet's queues.
    unmanaged : iterable of str
        Names and patterns of queues that are none of the fleet's. ClearML's own `default` never
        is, unless it is declared.
    """
    foreign = matcher(unmanaged)
    found = [
        queue
        for queue in queues
        if queue.name not in declared and not queue.default and not foreign(queue.name)
    ]
    pollers: dict[str, list[str]] = {queue.name: [] for queue in found}
    if found:
        for worker, polled in workers:
            for name in polled:
                if name in pollers:
                    pollers[name].append(worker)
    return [StrayQueue(queue, tuple(pollers[queue.name])) for queue in found]
