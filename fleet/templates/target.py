"""Where agents find what a template names: the git remote and the registry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fleet.errors import FleetError
from fleet.images import digests
from fleet.local import push_commits
from fleet.local.layout import Layout
from fleet.paths import REPOSITORY, local_fleet_name
from fleet.templates.source import remote_branches_with


@dataclass(frozen=True)
class Target:
    """The git URL that agents clone, and the registry that nodes pull from.

    `digests` is the file that says what was pushed there; `local_fleet` is the name of the local
    fleet whose git remote it is, if it is one.
    """

    repository: str
    registry: str
    digests: Path = digests.PATH
    local_fleet: str | None = None


def choose_target(repository: str | None, registry: str | None) -> Target:
    """What the user named; for what they did not, the local fleet's.

    Raises
    ------
    FleetError
        Something is not named, and there is no local fleet.
    """
    if repository and registry:
        return Target(repository, registry)
    layout = Layout(local_fleet_name())
    record = layout.read_record()
    if record is None:
        raise FleetError(
            "it is not said where agents clone from and nodes pull from",
            where="--repository, --registry",
            mend="give both, or start the local fleet (`make up`), whose own are then used",
        )
    return Target(
        repository or record["git_url"],
        registry or record["registry"],
        digests.PATH if registry else layout.digests,
        None if repository else layout.name,
    )


def offer_commit(target: Target, commit: str) -> None:
    """See to it that agents can clone the commit.

    The local fleet's git remote is brought up to date; a remote of the team's own is not ours to
    push to.

    Raises
    ------
    FleetError
        The commit was not pushed to any remote branch.
    """
    if target.local_fleet:
        push_commits(target.local_fleet)
    elif not remote_branches_with(commit):
        raise FleetError(
            f"the commit {commit[:12]} is not on any remote branch: agents could not clone it",
            where=str(REPOSITORY),
            mend="push it (git push), then try again",
        )
