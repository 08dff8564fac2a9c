"""Tables as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fleet.explain.answer import Table


def markdown_table(table: Table) -> str:
    """A table, with a line's end after each row."""
    lines = [table.headings, tuple("---" for _ in table.headings), *table.rows]
    return "".join(f"| {' | '.join(_cells(line))} |\n" for line in lines)


def _cells(row: Sequence[str]) -> Iterable[str]:
    return (" ".join(cell.replace("|", "\\|").split()) for cell in row)
