"""Errors of the control tooling, in the shape that the step code uses too."""

from __future__ import annotations

from collections.abc import Sequence

from ml.runtime.errors import UserError


class FleetError(UserError):
    """Something an operator or a user can mend; the command line prints it and exits with 1."""


class FleetErrors(FleetError):
    """Several problems found in one go, so that nobody mends them one run at a time.

    Parameters
    ----------
    problems : sequence of FleetError
        At least one.
    """

    def __init__(self, problems: Sequence[UserError]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\nerror: ".join(str(problem) for problem in self.problems)


def raise_all(problems: Sequence[UserError]) -> None:
    """Raise what was found: nothing, the one problem, or all of them together."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise FleetErrors(problems)
