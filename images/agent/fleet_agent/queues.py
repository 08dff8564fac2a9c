"""One request that says which of the agent's queues hold something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FIELDS = ("id", "name", "tags", "entries")


class QueuesGone(BaseException):
    """The server no longer knows the agent's queues: it must look their names up anew.

    Not an `Exception`: the agent's loop catches those and would fail the same way for ever.
    """


def read_queues(
    answer: Sequence[Mapping[str, Any]], wanted: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """What `queues.get_all` answered.

    Parameters
    ----------
    answer : sequence of dict
        Its `queues`, each with `FIELDS`.
    wanted : sequence of str
        Ids of the agent's queues.

    Returns
    -------
    dict of str to dict
        Queue id → `name` and `tags`, as the agent's own loop wants them, and `waiting`: whether
        there is something to take.

    Raises
    ------
    QueuesGone
        One of the wanted queues is not there.
    """
    known = {queue["id"]: queue for queue in answer}
    gone = [queue for queue in wanted if queue not in known]
    if gone:
        raise QueuesGone(", ".join(gone))
    return {
        queue: {
            "name": known[queue].get("name"),
            "tags": known[queue].get("tags") or [],
            "waiting": bool(known[queue].get("entries")),
        }
        for queue in wanted
    }
