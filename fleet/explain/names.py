"""Names that people type: a wrong one is answered with the nearest that there is."""

from __future__ import annotations

from collections.abc import Iterable

from fleet.errors import FleetError
from fleet.spec.wording import hint

_SHOWN = 20


def check_known(kind: str, name: str, known: Iterable[str], *, where: str) -> None:
    """See that a name exists.

    Parameters
    ----------
    kind : str
        What it names, such as `queue`.
    name : str
        What was typed.
    known : iterable of str
        What there is.
    where : str
        Where that is declared.

    Raises
    ------
    FleetError
        It does not; the message has the nearest, and what there is.
    """
    names = list(known)
    if name in names:
        return
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    there_are = f"there are: {', '.join(names[:_SHOWN])}{more}" if names else "there is none"
    raise FleetError(
        f"there is no {kind} '{name}'", where=where, mend=hint(name, names) + there_are
    )
