"""What is compared, and what comes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from fleet.drift.commands import PLAIN, Commands
from fleet.plan import Rest, rest_of
from fleet.queues import LiveQueue
from fleet.spec import Spec

Action = Literal["add", "change", "remove", "unknown"]
Kind = Literal["queue", "worker", "template"]

ACTIONS: tuple[Action, ...] = ("add", "change", "remove", "unknown")
KINDS: tuple[Kind, ...] = ("queue", "worker", "template")

_SHOWN = 5
_DIGEST = re.compile(r"sha256:([0-9a-f]{12})[0-9a-f]{52}")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that is otherwise than declared.

    Attributes
    ----------
    field : str
        What differs, in words.
    old, new : str
        What is there, and what is declared.
    """

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as declared.

    Attributes
    ----------
    action : str
        `add`: declared and not there; `change`: there and otherwise; `remove`: the fleet's own
        and no longer declared; `unknown`: not the fleet's.
    kind : str
        `queue`, `worker` or `template`.
    name : str
        Its name on the server.
    why : str
        What is the matter.
    mend : str
        What makes it true: a command, with what it does as a comment, or what to do by hand. The
        word `{name}` stands for the name, so that many of a kind are told in one sentence.
    hint : str
        What is worth knowing besides, of all of its kind.
    changes : tuple of FieldChange
        The fields of a `change`.
    node : str
        The node that `site.yml --limit` mends it on; empty where it is not one node's.
    last_heard : str
        Of a worker that no longer reports: when it last did, in ISO 8601.
    """

    action: Action
    kind: Kind
    name: str
    why: str
    mend: str
    changes: tuple[FieldChange, ...] = ()
    node: str = ""
    last_heard: str = ""
    hint: str = ""

    def as_data(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return {
            **asdict(self),
            "mend": mend_of(self.mend, [self.name]),
            "changes": [asdict(change) for change in self.changes],
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is declared, but the workers: their plans come as a stream.

    Attributes
    ----------
    spec : Spec
        The contract.
    registry : str
        `host[:port]` that the nodes pull from.
    digests : mapping of str to str
        Image name → `sha256:…`.
    commands : Commands
        What makes it true.
    """

    spec: Spec
    registry: str
    digests: Mapping[str, str]
    commands: Commands = PLAIN


@dataclass(frozen=True, slots=True)
class LiveWorker:
    """A worker that the server lists.

    Attributes
    ----------
    id : str
        Its id.
    queues : tuple of str
        Names of the queues that it polls, in order.
    tags : tuple of str
        What it says of itself, `kind:value` each.
    last_heard : str
        When it last reported, by the server's clock, in ISO 8601.
    lost : bool
        Whether that is too long ago for a worker that is well.
    task : str
        The id of the task that it runs; empty without.
    """

    id: str
    queues: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    last_heard: str = ""
    lost: bool = False
    task: str = ""

    @property
    def rest(self) -> Rest | None:
        """Why it takes no tasks; None where it does, or is lost."""
        return None if self.lost else rest_of(self.tags)


@dataclass(frozen=True, slots=True)
class Live:
    """What a server has.

    Attributes
    ----------
    server : str
        Its address.
    queues : tuple of LiveQueue
        All of them.
    workers : mapping of str to LiveWorker
        Worker id → worker.
    templates : mapping of str to mapping
        Phase → its newest stable template, as `tasks.get_all` gives it; of phases that there no
        longer are, too.
    older : tuple of mapping
        Stable templates of phases that have a newer one.
    """

    server: str = ""
    queues: tuple[LiveQueue, ...] = ()
    workers: Mapping[str, LiveWorker] = field(default_factory=dict)
    templates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    older: tuple[Mapping[str, Any], ...] = ()

    @property
    def resting(self) -> dict[str, Rest]:
        """Worker id → why it takes no tasks, of those that do not."""
        rests = ((worker.id, worker.rest) for worker in self.workers.values())
        return {worker: rest for worker, rest in rests if rest}


def mend_of(mend: str, names: Sequence[str]) -> str:
    """A mend with the names of those that it is for."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return mend.replace("{name}", ", ".join(names[:_SHOWN]) + more)


def short(text: str) -> str:
    """A text with each digest in it cut to what tells it from others."""
    return _DIGEST.sub(r"\1", text)
