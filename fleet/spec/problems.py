"""A breach of a rule, with the place in a file: what `fleet validate` finds, in one shape."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.errors import FleetError


@dataclass(frozen=True)
class Place:
    """A place in a file.

    Attributes
    ----------
    file : str
        The file's name, as it is shown.
    line, column : int or None
        From 1; None where only the file is known.
    """

    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


class Problem(FleetError):
    """Something in queues.yml or an inventory that breaks a rule.

    Parameters
    ----------
    rule : str
        Id of the rule, such as `unknown-key`: stable, for filters in code-review tools.
    what, mend : str
        As in :class:`~fleet.errors.FleetError`.
    place : Place
        Where it is.
    """

    def __init__(self, rule: str, what: str, *, place: Place, mend: str) -> None:
        super().__init__(what, where=str(place), mend=mend)
        self.rule = rule
        self.place = place
