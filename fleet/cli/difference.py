"""How differences are printed: as a diff, grouped by kind, with what makes them go away."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import groupby

import click

from fleet.drift.commands import PLAIN, Commands
from fleet.drift.model import ACTIONS, KINDS, Action, Difference, mend_of, short
from fleet.plan import Rest, back_to_work

_MARKS: dict[Action, tuple[str, str, str]] = {
    "add": ("+", "green", "to add"),
    "change": ("~", "yellow", "to change"),
    "remove": ("-", "red", "to remove"),
    "unknown": ("?", "magenta", "unknown to us"),
}
_EQUAL = "No differences: the fleet is what queues.yml and the inventory say."
# Up to so many nodes are named to `--limit`; with more, site.yml for all is shorter.
_MOST_NODES = 12
# So many alike are each told, more in one entry.
_FEW = 2
_NOT_HEARD = "the server has not heard of them"


def count(differences: Sequence[Difference]) -> dict[str, int]:
    """How many there are of each action."""
    return {action: sum(item.action == action for item in differences) for action in ACTIONS}


def lines(differences: Sequence[Difference], commands: Commands = PLAIN) -> Iterator[str]:
    """The diff, with colours that `click.echo` takes away where nobody sees them.

    Parameters
    ----------
    differences : sequence of Difference
        All of them, kind by kind.
    commands : Commands
        Those that the differences name.
    """
    if not differences:
        yield _EQUAL
        return
    yield "  ".join(f"{_mark(action)} {_MARKS[action][2]}" for action in ACTIONS)
    for kind in KINDS:
        found = [item for item in differences if item.kind == kind]
        if found:
            yield f"\n{kind}s"
            for _, group in groupby(found, _together):
                yield from _entries(list(group))
    yield "\nto make them equal"
    yield from (f"  {mend}" for mend in _mends(differences, commands))
    yield from (f"  {hint}" for hint in _hints(differences))
    counts = count(differences)
    told = ", ".join(f"{counts[action]} {_MARKS[action][2]}" for action in ACTIONS)
    yield f"\nPlan: {told}."


def resting_lines(resting: Mapping[str, Rest]) -> Iterator[str]:
    """Agents that take no tasks: an operator's wish, and no difference from what is declared."""
    if not resting:
        return
    yield "\ntake no tasks for now"
    for state, group in groupby(sorted(resting.items(), key=_by_rest), _by_rest):
        workers = [worker for worker, _ in group]
        more = f" and {len(workers) - _FEW} more" if len(workers) > _FEW else ""
        yield f"  {', '.join(workers[:_FEW])}{more}: {state}"
    if drained := [worker for worker, rest in resting.items() if not rest.replaced]:
        yield f"  ({back_to_work(drained)})"


def _by_rest(item: tuple[str, Rest]) -> str:
    return str(item[1])


def _together(item: Difference) -> tuple[Hashable, ...]:
    """What neighbours have in common that are told in one entry where there are many of them."""
    if item.action in ("change", "remove"):
        return (item.action, item.why, item.changes)
    # The slots that a node does not have yet; a lost one has a time of its own.
    slot = item.kind == "worker" and item.action == "add" and not item.last_heard
    return (item.node,) if slot and not item.name.endswith(":*") else (item.action, item.name)


def _entries(items: list[Difference]) -> Iterator[str]:
    first, last = items[0], items[-1]
    if len(items) <= _FEW:
        for item in items:
            yield _line(item.action, item.name, item.why)
            yield from _changes(item)
        return
    names = f"{first.name} … {last.name}"
    why = _NOT_HEARD if first.action == "add" else first.why
    yield _line(first.action, names, f"{len(items)} {first.kind}s: {why}")
    yield from _changes(first)


def _changes(item: Difference) -> Iterator[str]:
    for change in item.changes:
        yield f"      {change.field}: {short(change.old)} -> {short(change.new)}"


def _line(action: Action, name: str, why: str) -> str:
    return f"  {_mark(action)} {name:24} {why}"


def _mark(action: Action) -> str:
    mark, colour, _ = _MARKS[action]
    return click.style(mark, fg=colour)


def _mends(differences: Sequence[Difference], commands: Commands) -> Iterator[str]:
    """Each once; what is mended node by node in one command."""
    named: dict[str, list[str]] = {}
    for item in differences:
        if not item.node:
            named.setdefault(item.mend, []).append(item.name)
    nodes = list(dict.fromkeys(item.node for item in differences if item.node))
    # Provisioning for another reason is of all nodes anyway.
    if nodes and not any(mend.startswith(commands.site()) for mend in named):
        yield commands.limited(*nodes) if len(nodes) <= _MOST_NODES else commands.site()
    yield from (mend_of(mend, names) for mend, names in named.items())


def _hints(differences: Sequence[Difference]) -> Iterator[str]:
    return (f"({hint})" for hint in dict.fromkeys(item.hint for item in differences) if hint)
