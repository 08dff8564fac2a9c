"""The commit of the step code that templates are pinned to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fleet.command import run
from fleet.errors import FleetError
from fleet.paths import REPOSITORY

STEP_CODE = "ml"


@dataclass(frozen=True)
class StepCode:
    """Where an agent gets the step code from.

    Attributes
    ----------
    repository : str
        URL that agents clone.
    commit : str
        40 hexadecimal digits.
    branch : str
        The branch that the commit is on; agents fetch it.
    """

    repository: str
    commit: str
    branch: str = "main"


def committed_step_code(checkout: Path = REPOSITORY) -> str:
    """The last commit that touched the step code.

    Pinning that commit, and not the newest of all, keeps templates as they are when only the
    documentation or a playbook has changed.

    Raises
    ------
    FleetError
        Step code that is not committed, or no git checkout.
    """
    changed = _git(checkout, "status", "--porcelain", "--", STEP_CODE).splitlines()
    if changed:
        files = ", ".join(line[3:] for line in changed[:5])
        more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
        raise FleetError(
            f"step code that is not committed: {files}{more}",
            where=str(checkout),
            mend=f"commit it (git add {STEP_CODE} && git commit) or undo it, then publish again",
        )
    return last_step_code(checkout)


def last_step_code(checkout: Path = REPOSITORY) -> str:
    """The last commit that touched the step code, whatever is not committed yet.

    Raises
    ------
    FleetError
        No commit holds it, or no git checkout.
    """
    commit = _git(checkout, "log", "-1", "--format=%H", "--", STEP_CODE).strip()
    if not commit:
        raise FleetError(
            f"no commit holds the step code ({STEP_CODE}/)",
            where=str(checkout),
            mend=f"git add {STEP_CODE} && git commit",
        )
    return commit


def remote_branches_with(commit: str, checkout: Path = REPOSITORY) -> list[str]:
    """The remote branches, as far as this checkout knows them, that hold a commit."""
    found = _git(checkout, "branch", "--remotes", "--contains", commit, "--format=%(refname:short)")
    return found.split()


def _git(checkout: Path, *arguments: str) -> str:
    mend = "templates are made from a git checkout with at least one commit: clone one"
    return run(["git", "-C", str(checkout), *arguments], mend=mend).stdout
