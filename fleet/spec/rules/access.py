"""Who may start what: every template can be started by somebody, and names mean one thing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fleet.spec.contract import Contract
from fleet.spec.problems import Problem
from fleet.spec.wording import hint, listed
from ml.catalog import PHASES

_AT = ("policy", "access")


def check(contract: Contract) -> Iterator[Problem]:
    """Breaches of the rules about access."""
    yield from _templates(contract)
    yield from _groups(contract)
    yield from _ambiguous(contract)


def _templates(contract: Contract) -> Iterator[Problem]:
    for template, who in contract.spec.policy.access.may_run.items():
        keys = (*_AT, "may_run", template)
        if template not in PHASES:
            yield from contract.unknown("template", template, PHASES, *keys)
        if not who and keys not in contract.bad:
            yield contract.problem(
                "nobody-may-start",
                f"nobody could start '{template}'",
                *keys,
                mend="name who may, or remove the line: then everybody may",
            )
        yield from _twice(contract, who, keys)


def _groups(contract: Contract) -> Iterator[Problem]:
    access = contract.spec.policy.access
    used = {who for names in access.may_run.values() for who in names}
    for group, members in access.groups.items():
        keys = (*_AT, "groups", group)
        if not members and keys not in contract.bad:
            yield contract.problem(
                "empty-access-group",
                f"nobody is in the group '{group}'",
                *keys,
                mend="name its members, or remove it",
            )
        if group not in used and not _is_doubtful(contract):
            yield contract.problem(
                "unused-access-group",
                f"the group '{group}' may start nothing in particular",
                *keys,
                mend=f"{hint(group, used)}name it in `may_run`, or remove it",
            )
        for index, member in enumerate(members):
            if member in access.groups and member != group:
                yield contract.problem(
                    "group-in-group",
                    f"'{member}' is a group itself: groups hold users alone",
                    *(*keys, index),
                    mend=f"write the members of '{member}' here, or name it in `may_run` too",
                )
        yield from _twice(contract, members, keys)


def _ambiguous(contract: Contract) -> Iterator[Problem]:
    access = contract.spec.policy.access
    for group, members in access.groups.items():
        if group in members:
            yield contract.problem(
                "ambiguous-name",
                f"'{group}' is a group and a user: `may_run` could mean either",
                *(*_AT, "groups", group),
                mend=f"give the group another name, such as {group}-team",
            )


def _twice(contract: Contract, names: Sequence[str], keys: tuple[str, ...]) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name is not None and name in names[:index]:
            yield contract.problem(
                "repeated-name",
                f"'{name}' is listed twice in {listed(keys[-1:])}",
                *(*keys, index),
                mend="remove one of the two",
            )


def _is_doubtful(contract: Contract) -> bool:
    at = (*_AT, "may_run")
    paths = [
        *contract.bad,
        *contract.source.unread,
        *(keys for keys, _ in contract.source.repeated),
    ]
    return any(keys[: len(at)] == at[: len(keys)] for keys in paths)
