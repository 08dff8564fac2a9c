"""The team's decisions about who starts what, and in which environment: part of ``routing``.

The same rules are asked before anything is cloned, by `fleet run`, and at the start of each task,
by :mod:`ml.runtime.guard`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from ml.runtime.errors import UserError
from ml.runtime.phase import Phase


@dataclass(frozen=True)
class User:
    """A ClearML user.

    Parameters
    ----------
    id, name : str
        As on the server; the policy may name either.
    """

    id: str
    name: str

    def __str__(self) -> str:
        return self.name or self.id


class Access(BaseModel):
    """Who may start what.

    Parameters
    ----------
    groups : dict
        Group → names or ids of users.
    may_run : dict
        Template → users and groups; a template that is not named, everybody may start.
    """

    groups: dict[str, list[str]] = {}
    may_run: dict[str, list[str]] = {}

    def admits(self, template: str, user: User) -> bool:
        """Whether a user may start a template."""
        who = self.may_run.get(template)
        if who is None:
            return True
        people = {person for name in who for person in self.groups.get(name, [name])}
        return user.id in people or user.name in people


class Policy(BaseModel):
    """Written when a template is published, from queues.yml.

    The defaults are those of a template that was published before there was a policy: they refuse
    nothing.

    Parameters
    ----------
    entry : str
        Which templates people may start.
    access : Access
    environment : str
        ``strict``: the image's packages alone; ``extended``: and those that a phase declares.
    differences : str
        Whether a task that is not as its template is refused or marked.
    owners : dict
        Phase → whom to ask about its queue.
    """

    entry: Literal["pipeline", "phase", "both"] = "both"
    access: Access = Access()
    environment: Literal["strict", "extended"] = "strict"
    differences: Literal["refuse", "mark"] = "mark"
    owners: dict[str, str] = {}

    def offers(self, phase: Phase) -> bool:
        """Whether people may start a phase's template."""
        if self.entry == "pipeline":
            return phase.is_controller or phase.from_run
        return self.entry == "both" or not phase.is_controller


def check_entry(policy: Policy, phase: Phase, phases: Iterable[Phase], where: str = "") -> None:
    """Refuse a template that people do not start.

    Parameters
    ----------
    policy : Policy
    phase : Phase
        What is to be started.
    phases : iterable of Phase
        All there are: those that may be started are named.
    where : str
        The task, where there is one.

    Raises
    ------
    UserError
        Of the class ``permission``.
    """
    if policy.offers(phase):
        return
    offered = ", ".join(one.name for one in phases if policy.offers(one))
    what = (
        f"'{phase.name}' may not be started: its phases are started one by one"
        if phase.is_controller
        else f"'{phase.name}' may not be started by itself: the pipeline runs it"
    )
    raise UserError(
        what,
        where=_place(where, f"entry: {policy.entry}"),
        mend=f"start one of: {offered}",
        failure_class="permission",
    )


def check_access(policy: Policy, template: str, user: User, where: str = "") -> None:
    """Refuse a user who may not start a template.

    Raises
    ------
    UserError
        Of the class ``permission``; it names who may, and whom to ask.
    """
    if policy.access.admits(template, user):
        return
    may = [_described(policy.access, name) for name in policy.access.may_run[template]]
    ask = f"ask {policy.owners.get(template) or 'the owner of queues.yml'}"
    raise UserError(
        f"{user} may not start '{template}'; {', '.join(may) or 'nobody'} may",
        where=_place(where, f"access: may_run: {template}"),
        mend=f"{ask}, or have one of them start it (the id of {user} is {user.id})" if may else ask,
        failure_class="permission",
    )


def _described(access: Access, name: str) -> str:
    members = access.groups.get(name)
    return name if members is None else f"the group {name} ({', '.join(members) or 'empty'})"


def _place(where: str, key: str) -> str:
    return ", ".join(part for part in (where, f"queues.yml, policy {key}") if part)
