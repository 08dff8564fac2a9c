"""The step code that smoke tasks run: the checkout's last commit of it, where agents clone."""

from __future__ import annotations

from fleet.errors import FleetError
from fleet.templates import StepCode, last_step_code
from fleet.templates.target import Target, offer_commit


def smoke_code(repository: str, local_fleet: str | None = None) -> StepCode:
    """What agents clone, and that they can.

    Parameters
    ----------
    repository : str
        URL that agents clone, as `fleet template publish` takes it.
    local_fleet : str, optional
        Name of the local fleet whose git remote that is: it is brought up to date.

    Raises
    ------
    FleetError
        No URL, or a commit that was not pushed.
    """
    if not repository:
        raise FleetError(
            "it is not said where agents clone the step code from",
            where="smoke_repository in the inventory",
            mend="set it to the URL that `fleet template publish --repository` is given",
        )
    commit = last_step_code()
    offer_commit(Target(repository, "", local_fleet=local_fleet or None), commit)
    return StepCode(repository, commit)
