"""The packages that a phase adds to those of its image: which are allowed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ml.runtime.errors import UserError
from ml.runtime.phase import Phase

_PINNED = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?==[A-Za-z0-9][A-Za-z0-9.!+_-]*")


def check_packages(phase: Phase, environment: str, where: str = "") -> None:
    """Refuse packages that a phase may not declare.

    Parameters
    ----------
    phase : Phase
    environment : str
        The policy: ``strict`` or ``extended``.
    where : str
        The file or the task; by default the phase's name.

    Raises
    ------
    UserError
        A package is not pinned, or the policy allows none.
    """
    place = where or f"phase {phase.name}"
    loose = [package for package in phase.packages if not _PINNED.fullmatch(package)]
    if loose:
        raise UserError(
            f"the phase {phase.name} declares packages that are not pinned: {', '.join(loose)}",
            where=place,
            mend="write each as name==version, with one exact version",
            failure_class="dependency",
        )
    if phase.packages and environment == "strict":
        raise UserError(
            f"the phase {phase.name} declares packages ({', '.join(phase.packages)}), and the "
            "environment is strict",
            where=f"{place}, queues.yml, policy environment: strict",
            mend="add them to the image's lock (images/requirements.in, `make lock`), or write "
            "environment: extended",
            failure_class="dependency",
        )


def check_recorded(
    phase: Phase, recorded: Sequence[str], environment: str, where: str = ""
) -> None:
    """Refuse packages that a template records, where they are not just those that were checked.

    Parameters
    ----------
    phase : Phase
        As the code that runs declares it.
    recorded : sequence of str
        What the template says, and what would be added.
    environment, where : str
        As in :func:`check_packages`.

    Raises
    ------
    UserError
        Of the class ``dependency``.
    """
    check_packages(phase, environment, where)
    if list(recorded) != list(phase.packages):
        raise UserError(
            f"the packages of the template {phase.name} ({', '.join(recorded) or 'none'}) are not "
            f"those that its code declares ({', '.join(phase.packages) or 'none'})",
            where=where or f"phase {phase.name}",
            mend="run `fleet template publish`, and clone the new template",
            failure_class="dependency",
        )
