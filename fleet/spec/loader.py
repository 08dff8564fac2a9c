"""Load queues.yml: every problem at once, each with file, line, column and how to mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fleet.errors import raise_all
from fleet.spec import positions, rules
from fleet.spec.contract import Contract, draft
from fleet.spec.models import VERSION, Spec
from fleet.spec.problems import Problem
from fleet.spec.wording import shown

SPEC_FILE = Path(__file__).resolve().parents[2] / "queues.yml"
# What is broken where these are broken cannot be looked up in the model.
_BREAKS = {"unknown-image", "unknown-node-group", "no-agent-image"}


def load(path: Path | str = SPEC_FILE) -> Spec:
    """Read, check and return the contract.

    Parameters
    ----------
    path : path
        queues.yml, by default the repository's own.

    Raises
    ------
    Problem, FleetErrors
        All that is wrong with the file.
    """
    spec, problems = examine(path)
    raise_all(problems)
    return spec


def examine(path: Path | str = SPEC_FILE) -> tuple[Spec | None, list[Problem]]:
    """Read and check the contract; never raises for what a user wrote.

    Returns
    -------
    spec : Spec or None
        None where it cannot be worked with: what it names is missing, or has no form.
    problems : list of Problem
        In the order of the file's lines.
    """
    source = positions.read(Path(path))
    if not isinstance(source.data, dict):
        return None, _in_order(source.problems or [_no_mapping(source)])
    version = source.data.get("version")
    told = [*source.problems, *_version(source)]
    if _is_number(version) and version > VERSION:
        # What else is in it may be right, in a format that is not known here.
        return None, _in_order(told)
    spec, contract, misfits = _fit(source)
    problems = [*told, *misfits, *rules.check(contract)]
    usable = not (told or misfits or _BREAKS & {problem.rule for problem in problems})
    return (spec if usable else None), _in_order(problems)


def _fit(source: positions.Source) -> tuple[Spec | None, Contract, list[Problem]]:
    try:
        spec = Spec.model_validate(source.data)
    except ValidationError as error:
        # Imported late: it is not needed for a file that is right, which every commit checks.
        from fleet.spec import shape

        errors = [
            item
            for item in error.errors(include_url=False, include_context=False)
            if item["loc"] != ("version",)
        ]
        names = frozenset(shape.place_of(item, source) for item in errors if shape.is_name(item))
        bad = frozenset(shape.place_of(item, source) for item in errors if not shape.is_name(item))
        return None, draft(source, bad, names), shape.problems(errors, source)
    return spec, Contract(spec, source), []


def _version(source: positions.Source) -> list[Problem]:
    version = source.data.get("version")
    if (_is_number(version) and version == VERSION) or ("version",) in source.unread:
        return []
    mend = f"write `version: {VERSION}`"
    if "version" not in source.data:
        rule, what = "missing-version", "the key 'version' is missing"
    elif not _is_number(version):
        rule, what = "unknown-version", f"'version' is {shown(version)}, not a whole number"
    elif version > VERSION:
        rule = "newer-version"
        what = f"version {shown(version)} is newer than this checkout, which reads {VERSION}"
        mend = "update this checkout (git pull): the file was written for a newer one"
    else:
        rule = "older-version"
        what = f"version {shown(version)} is older than what this checkout reads, {VERSION}"
        mend = f"bring the file up to date by CHANGELOG.md, then write `version: {VERSION}`"
    return [Problem(rule, what, place=source.place(("version",)), mend=mend)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _no_mapping(source: positions.Source) -> Problem:
    return Problem(
        "not-a-mapping",
        "the file holds no mapping",
        place=source.place(()),
        mend="start from the queues.yml of the repository's history: git log -- queues.yml",
    )


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(
        problems, key=lambda problem: (problem.place.line or 0, problem.place.column or 0)
    )
