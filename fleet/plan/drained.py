"""Agents that take no tasks: what their workers' tags say of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from fleet.plan.container import DRAINED_BY, DRAINED_SINCE, DRAINED_WHY, STATE, SUCCESSOR

#: It takes nothing more and has something in hand; it takes nothing and has nothing.
DRAINING, DRAINED = "draining", "drained"


@dataclass(frozen=True, slots=True)
class Rest:
    """Why an agent takes nothing.

    Attributes
    ----------
    state : str
        :data:`DRAINING` or :data:`DRAINED`.
    by, since, why : str
        Who drained its node, when (ISO 8601), and what for, as far as it is known.
    replaced : bool
        Whether the next agent of its slot stands by, and takes tasks as soon as it has left.
    """

    state: str
    by: str = ""
    since: str = ""
    why: str = ""
    replaced: bool = False

    def __str__(self) -> str:
        if self.replaced:
            return "it finishes its task, then its successor, which stands by, goes on"
        by = f" by {self.by}" if self.by else ""
        since = f" since {self.since}" if self.since else ""
        why = f": {self.why}" if self.why else ""
        return f"{self.state}{by}{since}{why}"

    def as_data(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return asdict(self)


def rest_of(tags: Iterable[str]) -> Rest | None:
    """What a worker's tags say of its taking no tasks; None where it takes them."""
    said = dict(tag.partition(":")[::2] for tag in tags)
    state = said.get(STATE)
    if state not in (DRAINING, DRAINED):
        return None
    return Rest(
        state,
        by=said.get(DRAINED_BY, ""),
        since=said.get(DRAINED_SINCE, ""),
        why=said.get(DRAINED_WHY, ""),
        # An operator's wish holds for the successor, too.
        replaced=SUCCESSOR in said and DRAINED_SINCE not in said,
    )


def back_to_work(workers: Iterable[str]) -> str:
    """The command that lets the nodes of these workers take tasks again."""
    nodes = dict.fromkeys(worker.partition(":")[0] for worker in workers)
    return f"ansible-playbook undrain.yml --limit {','.join(nodes)}"
