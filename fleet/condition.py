"""How the agents of nodes do: what the nodes say of them, beside what the server says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleet.drift.model import LiveWorker, short
from fleet.plan import Rest
from fleet.plan.container import IMAGE
from fleet.plan.drained import DRAINED

_KEYS = ("node", "slot", "state", "task", "image", "last_heard")
_FRACTION = re.compile(r"\.\d+")


def condition(
    nodes: Mapping[str, Mapping[str, Any]], workers: Mapping[str, LiveWorker]
) -> list[dict[str, str]]:
    """One entry for each slot, in the order of nodes and slots.

    Parameters
    ----------
    nodes : mapping of str to mapping
        Node → its `plan`, as the filter `fleet_plan` gives it; `slots`, as the module agent_state
        gives them; `wish`, the operator's that they take nothing, None without one; and `error`,
        why it did not answer.
    workers : mapping of str to LiveWorker
        Worker id → what the server knows; empty where it does not answer.
    """
    return [entry for node, said in nodes.items() for entry in _node(node, said, workers)]


def lines(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The entries as a table of text, and below it who drained what."""
    headings = tuple(key.replace("_", " ") for key in _KEYS)
    rows = [headings, *(tuple(_cell(entry[key]) for key in _KEYS) for entry in entries)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    drained: dict[str, list[str]] = {}
    for entry in entries:
        if entry["drained"]:
            drained.setdefault(entry["drained"], []).append(entry["slot"] or entry["node"])
    return table + [f"{', '.join(slots)}: {why}" for why, slots in drained.items()]


def _node(
    name: str, said: Mapping[str, Any], workers: Mapping[str, LiveWorker]
) -> Iterator[dict[str, str]]:
    plan, agents = said["plan"], said.get("slots") or []
    node = _Node(name, said.get("error") or "", _wish(said.get("wish")))
    planned = [slot["worker_id"] for slot in plan["slots"]]
    for worker in planned:
        # Two where a successor stands by.
        for agent in [one for one in agents if one["worker"] == worker] or [{}]:
            yield _entry(node, worker, agent, workers.get(worker))
    for agent in agents:
        if agent["worker"] not in planned:
            yield _entry(node, agent["worker"], agent, workers.get(agent["worker"]))
    if not planned and not agents:
        none = f"disabled: {plan['disabled']}" if plan.get("disabled") else "no slots"
        yield _line(node, "", none)


@dataclass(frozen=True)
class _Node:
    """What is the same for all agents of a node: its name, why it is away, and its drain."""

    name: str
    error: str
    wish: str


def _entry(
    node: _Node, worker_id: str, agent: Mapping[str, Any], worker: LiveWorker | None
) -> dict[str, str]:
    rest = worker.rest if worker else None
    alive = worker is not None and not worker.lost
    if agent:
        state = agent["state"]
    elif alive and node.error:
        # The node does not say: the server's word counts.
        state = rest.state if rest else "busy" if worker.task else "idle"
    else:
        state = "absent"
    return _line(
        node,
        worker_id,
        state,
        task=agent.get("task") or (worker.task if alive and not agent else ""),
        image=agent.get("image") or _image(worker),
        last_heard=worker.last_heard if worker else "",
        drained=node.wish or (str(rest) if rest and rest.since else ""),
    )


def _line(node: _Node, slot: str, state: str, **more: str) -> dict[str, str]:
    away = f" (the node does not say: {node.error})" if node.error else ""
    empty = {"task": "", "image": "", "last_heard": "", "drained": node.wish}
    return {"node": node.name, "slot": slot, "state": state + away} | empty | more


def _wish(wish: Mapping[str, Any] | None) -> str:
    if wish is None:
        return ""
    by, since, why = (str(wish.get(key) or "") for key in ("by", "since", "reason"))
    return str(Rest(DRAINED, by, since, why))


def _image(worker: LiveWorker | None) -> str:
    prefix = f"{IMAGE}:"
    tags = worker.tags if worker else ()
    return next((tag.removeprefix(prefix) for tag in tags if tag.startswith(prefix)), "")


def _cell(value: str) -> str:
    # An image is told by what tells it from others, a time to the second.
    return _FRACTION.sub("", short(value)) or "-"
