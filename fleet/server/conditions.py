"""Pieces of SQL conditions with their parameters, and how clients write lists of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fleet.server.errors import invalid_field, invalid_pattern

_SPECIAL = set(".^$*+?{}[]|()")


@dataclass(frozen=True)
class Condition:
    """A SQL expression and the values of its placeholders."""

    sql: str
    parameters: tuple = ()

    def negated(self) -> Condition:
        """The opposite; a missing value counts as not matching."""
        return Condition(f"NOT COALESCE({self.sql}, 0)", self.parameters)


NEVER = Condition("0")


def combine(word: str, conditions: Sequence[Condition]) -> Condition:
    """Conditions joined by AND or OR."""
    if len(conditions) == 1:
        return conditions[0]
    sql = f" {word} ".join(condition.sql for condition in conditions)
    return Condition(f"({sql})", tuple(p for c in conditions for p in c.parameters))


def in_list(expression: str, values: Sequence[Any]) -> Condition:
    """The expression is one of the values; None among them stands for a missing value."""
    present = [value for value in values if value is not None]
    parts = []
    if present:
        marks = ",".join("?" * len(present))
        parts.append(Condition(f"{expression} IN ({marks})", tuple(present)))
    if len(present) < len(values):
        parts.append(Condition(f"{expression} IS NULL"))
    return combine("OR", parts) if parts else NEVER


def matches(expression: str, pattern: str) -> Condition:
    """The expression matches a regular expression; an exact one is compared as plain text."""
    exact = exact_text(pattern)
    if exact is not None:
        return Condition(f"{expression} = ?", (exact,))
    try:
        re.compile(pattern)
    except (re.error, TypeError):
        raise invalid_pattern(pattern) from None
    return Condition(f"regexp(?, {expression})", (pattern,))


def exact_text(pattern: str) -> str | None:
    """The one text that a pattern such as `^a\\.b$` matches, or None when it may match others.

    Clients look names up by such patterns; compared as text they can use an index.
    """
    if not (isinstance(pattern, str) and pattern.startswith("^") and pattern.endswith("$")):
        return None
    text, characters = [], iter(pattern[1:-1])
    for character in characters:
        if character == "\\":
            character = next(characters, "")
            if not character or character.isalnum():
                return None
        elif character in _SPECIAL:
            return None
        text.append(character)
    # A dollar that was escaped is a character, not the end of the pattern.
    return None if pattern.endswith("\\$") else "".join(text)


def parse_list(field: str, values: Any, match: Callable[[list], Condition]) -> Condition | None:
    """A client's list of values with its operators as one condition; None when it is empty.

    `__$all`, `__$and`, `__$any` and `__$or` begin a group and say how its values are joined, the
    first one also how the groups are; `__$not` negates the next value. A value with a leading
    `-` excludes, whatever else is asked for. Without an operator any value will do.

    Parameters
    ----------
    field : str
        For messages.
    values : list, str or None
        As the client sent it.
    match : callable
        Gives the condition that a document has one of a list of values.
    """
    if values is None:
        return None
    if not isinstance(values, list):
        values = [values]
    groups: list[tuple[str, list[Condition]]] = [("OR", [])]
    outer, negate, excluded = None, False, []
    plain: list[Any] = []
    for value in values:
        operator = _operator(value)
        if operator == "NOT":
            negate = True
        elif operator:
            outer = outer or operator
            groups.append((operator, []))
        elif isinstance(value, str) and value.startswith("-") and not negate:
            excluded.append(match([value[1:]]).negated())
        elif not isinstance(value, str | int | float | None):
            raise invalid_field(field, f"not a value: {value!r}")
        elif len(groups) == 1 and not negate:
            plain.append(value)
        else:
            condition = match([value])
            groups[-1][1].append(condition.negated() if negate else condition)
            negate = False
    if plain:
        groups[0][1].append(match(plain))
    joined = [combine(word, members) for word, members in groups if members]
    wanted = [combine(outer or "OR", joined)] if joined else []
    return combine("AND", wanted + excluded) if wanted or excluded else None


def _operator(value: Any) -> str | None:
    if not isinstance(value, str) or not value.startswith("__$"):
        return None
    return {"all": "AND", "and": "AND", "any": "OR", "or": "OR", "not": "NOT"}.get(value[3:])
