"""What is wrong with a variable, before it is known where in the inventory it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fleet.spec import Place, Problem


@dataclass(frozen=True)
class Finding:
    """A variable that does not fit.

    Attributes
    ----------
    rule : str
        Id of the rule that it breaks.
    variable : str
        Its name.
    value : object
        The part of it that is wrong, as it was given; None where all of it is.
    what, mend : str
        As in :class:`~fleet.errors.FleetError`, and without the host's name: many hosts may have
        the variable from one group.
    """

    rule: str
    variable: str
    value: Any
    what: str
    mend: str

    def problem(self, hosts: str, place: Place) -> Problem:
        """The same as a problem.

        Parameters
        ----------
        hosts : str
            The host that has it, or several in words.
        place : Place
            Where it stands.
        """
        return Problem(self.rule, f"host {hosts}: {self.what}", place=place, mend=self.mend)
