"""Errors of the control tooling, in the shape that the step code uses too."""

from __future__ import annotations

from ml.runtime.errors import UserError


class FleetError(UserError):
    """Something an operator or a user can mend; the command line prints it and exits with 1."""
