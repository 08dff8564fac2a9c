"""What every explanation is: a paragraph, tables, and the same as facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fleet.spec import wording


@dataclass(frozen=True)
class Table:
    """Rows under headings; every cell is text."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Answer:
    """An explanation, before anybody prints it.

    Attributes
    ----------
    subject : str
        What is explained, such as `queue cpu-train`.
    sentences : tuple of str
        Together they are the paragraph.
    tables : tuple of Table
        The details.
    facts : dict
        The same as plain data, for programs.
    """

    subject: str
    sentences: tuple[str, ...]
    tables: tuple[Table, ...]
    facts: dict[str, Any]

    @property
    def paragraph(self) -> str:
        """The sentences as one text."""
        return " ".join(self.sentences)

    def as_data(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "subject": self.subject,
            "explanation": self.paragraph,
            "tables": [
                [dict(zip(table.headings, row, strict=True)) for row in table.rows]
                for table in self.tables
            ],
            "facts": self.facts,
        }


def listed(names: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, or `a, b and c`."""
    return wording.listed(names, last)


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 agent`, `2 agents`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
