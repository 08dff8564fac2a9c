"""Scalars, vectors, plots and debug images of tasks and models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

from fleet.server.conditions import in_list
from fleet.server.database import Database
from fleet.server.documents import dumps

SCALAR, VECTOR = "training_stats_scalar", "training_stats_vector"
IMAGE, PLOT = "training_debug_image", "plot"
TYPES = (SCALAR, VECTOR, IMAGE, PLOT)
SINGLE_VALUE = -(2**31)  # the iteration of a value that belongs to no iteration

_COLUMNS = ("task", "type", "metric", "variant", "iter", "timestamp", "value")
Variants = Sequence[tuple[str | None, Sequence[str]]]


def name_hash(name: str) -> str:
    """The key under which clients look a metric or a variant up."""
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


class MetricEvents:
    """Events by owner (a task or a model), type, metric, variant and iteration.

    A second report of the same five replaces the first.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, events: Iterable[dict[str, Any]]) -> None:
        """Add events that have `task`, `type`, `metric`, `variant`, `iter` and `timestamp`."""
        rows = []
        for event in events:
            body = {key: value for key, value in event.items() if key not in _COLUMNS}
            rows.append((*(event.get(name) for name in _COLUMNS), dumps(body) if body else None))
        self._database.many(
            "INSERT OR REPLACE INTO events (task, type, metric, variant, iter, timestamp, value,"
            " body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )

    def page(
        self,
        tasks: Sequence[str],
        kind: str,
        *,
        limit: int,
        offset: int = 0,
        descending: bool = False,
        variants: Variants = (),
    ) -> list[dict[str, Any]]:
        """Events of one type in the order of their iterations."""
        where, parameters = self._where(tasks, kind, variants)
        order = "DESC" if descending else "ASC"
        rows = self._database.all(
            f"SELECT {', '.join(_COLUMNS)}, body FROM events WHERE {where}"
            f" ORDER BY iter {order}, timestamp {order}, seq {order} LIMIT ? OFFSET ?",
            (*parameters, limit, offset),
        )
        return [_event(row) for row in rows]

    def latest(
        self, task: str, kind: str, iterations: int, variants: Variants = ()
    ) -> list[dict[str, Any]]:
        """For each metric and variant the events of its last iterations, newest first."""
        where, parameters = self._where([task], kind, variants)
        rows = self._database.all(
            f"SELECT {', '.join(_COLUMNS)}, body FROM (SELECT *, row_number() OVER"
            f" (PARTITION BY metric, variant ORDER BY iter DESC) AS place FROM events"
            f" WHERE {where}) WHERE place <= ? ORDER BY iter DESC, metric, variant",
            (*parameters, iterations),
        )
        return [_event(row) for row in rows]

    def iterations(
        self, task: str, kind: str, variants: Variants, *, limit: int, before: int | None
    ) -> list[dict[str, Any]]:
        """The last iterations, those before one when it is given, newest first, with events."""
        where, parameters = self._where([task], kind, variants)
        rows = self._database.all(
            f"SELECT DISTINCT iter FROM events WHERE {where} AND iter < ?"
            " ORDER BY iter DESC LIMIT ?",
            (*parameters, 2**62 if before is None else before, limit),
        )
        return [
            {
                "iter": iteration,
                "events": [
                    _event(row)
                    for row in self._database.all(
                        f"SELECT {', '.join(_COLUMNS)}, body FROM events WHERE {where} AND iter = ?"
                        " ORDER BY metric, variant",
                        (*parameters, iteration),
                    )
                ],
            }
            for (iteration,) in rows
        ]

    def series(
        self, task: str, metric: str, variant: str, *, single: bool = False
    ) -> list[tuple[int, int, float]]:
        """The points (iteration, timestamp, value) of one scalar by iteration, without gaps."""
        return self._database.all(
            "SELECT iter, timestamp, value FROM events WHERE task = ? AND type = ? AND metric = ?"
            f" AND variant = ? AND iter {'=' if single else '<>'} {SINGLE_VALUE}"
            " AND value IS NOT NULL ORDER BY iter",
            (task, SCALAR, metric, variant),
        )

    def variants(self, task: str, kind: str, *, single: bool = False) -> list[tuple[str, str]]:
        """The (metric, variant) pairs of one type that a task reported."""
        condition = f" AND iter {'=' if single else '<>'} {SINGLE_VALUE}" if kind == SCALAR else ""
        return self._database.all(
            f"SELECT DISTINCT metric, variant FROM events WHERE task = ? AND type = ?{condition}"
            " ORDER BY metric, variant",
            (task, kind),
        )

    def count(self, tasks: Sequence[str], kind: str, variants: Variants = ()) -> int:
        """The number of events of one type."""
        where, parameters = self._where(tasks, kind, variants)
        return self._database.one(f"SELECT COUNT(*) FROM events WHERE {where}", parameters)[0]

    def remove(self, task: str) -> int:
        """Remove the events of a task or model; how many."""
        return self._database.execute("DELETE FROM events WHERE task = ?", (task,)).rowcount

    @staticmethod
    def _where(tasks: Sequence[str], kind: str, variants: Variants) -> tuple[str, tuple]:
        owners = in_list("task", list(tasks))
        sql, parameters = f"{owners.sql} AND type = ?", [*owners.parameters, kind]
        choices = []
        for metric, names in variants:
            parts = []
            if metric is not None:
                parts.append("metric = ?")
                parameters.append(metric)
            if names:
                chosen = in_list("variant", list(names))
                parts.append(chosen.sql)
                parameters.extend(chosen.parameters)
            if parts:
                choices.append(f"({' AND '.join(parts)})")
        if choices:
            sql += f" AND ({' OR '.join(choices)})"
        return sql, tuple(parameters)


def _event(row: tuple) -> dict[str, Any]:
    event = {name: value for name, value in zip(_COLUMNS, row, strict=False) if value is not None}
    return event | (json.loads(row[-1]) if row[-1] else {})
