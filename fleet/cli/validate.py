"""`fleet validate`."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

import click

from fleet.cli import options
from fleet.spec import SPEC_FILE, Problem, Spec, examine, notes


@dataclass
class _Findings:
    """What was found, in which files, and how much was looked at.

    `fatal` are rules of problems that left something unread: nobody knows what else is wrong.
    """

    files: list[Path]
    problems: list[Problem]
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    fatal: frozenset[str] = frozenset()


def _check_rules(
    context: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    if given:
        # Imported late: few commits leave something out.
        from fleet.spec.rule_ids import RULES
        from fleet.spec.wording import hint

        for name in given:
            if name not in RULES:
                more = hint(name, sorted(RULES)) or "each problem is shown with its rule"
                raise click.BadParameter(f"there is no rule '{name}': {more.strip()}")
    return given


@click.command()
@click.option(
    "--spec",
    "spec_file",
    type=click.Path(path_type=Path),
    help="The contract; by default fleet_queues_file of the inventory, else queues.yml here.",
)
@click.option(
    "-i",
    "--inventory",
    "inventories",
    type=click.Path(path_type=Path),
    multiple=True,
    help="An inventory to check the contract against: a file, a folder or a program; several "
    "count as one, as for ansible-playbook.",
)
@options.as_json
@click.option(
    "--sarif", is_flag=True, help="Print SARIF 2.1.0, which code-review tools show on the line."
)
@click.option(
    "--ignore",
    "ignored",
    metavar="RULE",
    multiple=True,
    callback=_check_rules,
    help="Leave out the problems of a rule, such as image-without-digest where nothing was built "
    "yet; may be given more than once.",
)
def validate(
    spec_file: Path | None,
    inventories: tuple[Path, ...],
    as_json: bool,
    sarif: bool,
    ignored: tuple[str, ...],
) -> None:
    """Check queues.yml, and an inventory against it: all that is knowable without a connection.

    Exits with 0 when nothing is wrong, with 1 when something is.
    """
    if as_json and sarif:
        raise click.UsageError("--json and --sarif are two forms of the same: give one of them")
    # A name that the terminal's encoding lacks is shown by its code, instead of ending the command.
    sys.stdout.reconfigure(errors="backslashreplace")
    found = _find_declared(inventories, spec_file) if inventories else _find(spec_file)
    found = _without(found, ignored)
    if sarif:
        # Imported late, as all that a commit's check does not need.
        from fleet.spec.sarif import report

        options.print_json(report(found.problems, found.notes))
    elif as_json:
        options.print_json(_as_data(found))
    else:
        _print(found)
    if found.problems:
        sys.exit(1)


def _find(spec_file: Path | None) -> _Findings:
    file = spec_file or SPEC_FILE
    return _of_contract(file, *examine(file))


def _find_declared(inventories: tuple[Path, ...], spec_file: Path | None) -> _Findings:
    # Imported late: it imports Ansible, which the check of queues.yml alone need not wait for.
    from fleet.inventory import UNREADABLE, inspect_declared

    seen = inspect_declared(inventories, spec_file)
    names = " and ".join(_short(str(path)) for path in inventories)
    if seen.spec_file is None:
        found = _Findings([], [])
        found.notes.append(f"queues.yml was not checked: {names} says which one it is")
    else:
        found = _of_contract(seen.spec_file, seen.spec, seen.problems)
    found.files += inventories
    if seen.inspection is None:
        found.notes.append(
            f"{names} was not checked: it can be when {seen.spec_file.name} is right"
        )
        return found
    found.problems += seen.inspection.problems
    found.notes += seen.inspection.notes
    found.counts |= {"nodes": seen.inspection.nodes, "slots": seen.inspection.slots}
    lost = {problem.rule for problem in seen.inspection.problems} if seen.spec_file is None else ()
    return replace(found, fatal=found.fatal | {UNREADABLE, *lost})


def _of_contract(file: Path, spec: Spec | None, problems: list[Problem]) -> _Findings:
    if spec is None:
        return _Findings(
            [file], list(problems), fatal=frozenset(problem.rule for problem in problems)
        )
    return _Findings([file], list(problems), notes(spec), _counts(spec))


def _without(found: _Findings, ignored: Collection[str]) -> _Findings:
    fatal = found.fatal.intersection(ignored)
    kept = [
        problem
        for problem in found.problems
        if problem.rule not in ignored or problem.rule in fatal
    ]
    left_out = len(found.problems) - len(kept)
    notes = [f"{_counted(left_out, 'problems')} left out by --ignore"] if left_out else []
    if fatal & {problem.rule for problem in kept}:
        names = ", ".join(sorted(fatal))
        notes.append(f"--ignore does not hold for {names}: something could not be checked")
    return replace(found, problems=kept, notes=[*found.notes, *notes])


def _counts(spec: Spec) -> dict[str, int]:
    return {
        "queues": len(spec.queues),
        "node_groups": len(spec.node_groups),
        "images": len(spec.images),
    }


def _as_data(found: _Findings) -> dict[str, object]:
    return {
        "ok": not found.problems,
        "problems": [
            {
                "rule": problem.rule,
                "file": _short(problem.place.file),
                "line": problem.place.line,
                "column": problem.place.column,
                "what": problem.what,
                "mend": problem.mend,
            }
            for problem in found.problems
        ],
        "notes": found.notes,
        "counts": found.counts,
    }


def _print(found: _Findings) -> None:
    for problem in found.problems:
        place = problem.place
        where = [_short(place.file), *(str(part) for part in (place.line, place.column) if part)]
        click.echo(f"{':'.join(where)}: {problem.what} [{problem.rule}]")
        click.echo(f"    fix: {problem.mend}")
    for note in found.notes:
        click.echo(f"note: {note}")
    parts = [
        *(_counted(count, name.replace("_", " ")) for name, count in found.counts.items()),
        _counted(len(found.problems), "problems") if found.problems else "nothing wrong",
    ]
    names = " and ".join(_short(str(file)) for file in found.files)
    click.echo(f"{names}: {', '.join(parts)}")


def _counted(count: int, plural: str) -> str:
    return f"{count} {plural.removesuffix('s') if count == 1 else plural}"


def _short(file: str) -> str:
    """A path as people in the current folder write it."""
    try:
        relative = os.path.relpath(file)
    except (OSError, ValueError):  # no current folder any more
        return file
    return file if relative.startswith("..") else relative
