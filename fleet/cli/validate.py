"""`fleet validate`."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click

from fleet.cli import options
from fleet.spec import Problem, Spec, examine, notes


@dataclass
class _Findings:
    """What was found, and how much was looked at."""

    problems: list[Problem]
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


@click.command()
@options.spec_file
@click.option(
    "-i",
    "--inventory",
    type=click.Path(path_type=Path),
    help="An inventory to check the contract against: a file, a folder or a program.",
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
    help="Leave out the problems of a rule, such as image-without-digest where nothing was built "
    "yet; may be given more than once.",
)
def validate(
    spec_file: Path, inventory: Path | None, as_json: bool, sarif: bool, ignored: tuple[str, ...]
) -> None:
    """Check queues.yml, and an inventory against it: all that is knowable without a connection.

    Exits with 0 when nothing is wrong, with 1 when something is.
    """
    if as_json and sarif:
        raise click.UsageError("--json and --sarif are two forms of the same: give one of them")
    # A name that the terminal's encoding lacks is shown by its code, instead of ending the command.
    sys.stdout.reconfigure(errors="backslashreplace")
    found = _without(_find(spec_file, inventory), ignored)
    if sarif:
        # Imported late, as all that a commit's check does not need.
        from fleet.spec.sarif import report

        options.print_json(report(found.problems, found.notes))
    elif as_json:
        options.print_json(_as_data(found))
    else:
        _print(found, [spec_file, *([inventory] if inventory else [])])
    if found.problems:
        sys.exit(1)


def _find(spec_file: Path, inventory: Path | None) -> _Findings:
    spec, problems = examine(spec_file)
    found = _Findings(list(problems))
    if spec is not None:
        found.notes += notes(spec)
        found.counts = _counts(spec)
    if inventory is None:
        return found
    if spec is None:
        found.notes.append(
            f"{_short(str(inventory))} was not checked: it can be when {spec_file.name} is right"
        )
        return found
    # Imported late: it imports Ansible, which the check of queues.yml alone need not wait for.
    from fleet.inventory import inspect

    seen = inspect(spec, inventory)
    found.problems += seen.problems
    found.notes += seen.notes
    found.counts |= {"nodes": seen.nodes, "slots": seen.slots}
    return found


def _without(found: _Findings, ignored: Collection[str]) -> _Findings:
    kept = [problem for problem in found.problems if problem.rule not in ignored]
    left_out = len(found.problems) - len(kept)
    notes = [f"{_counted(left_out, 'problems')} left out by --ignore"] if left_out else []
    return _Findings(kept, [*found.notes, *notes], found.counts)


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


def _print(found: _Findings, files: Sequence[Path]) -> None:
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
    names = " and ".join(_short(str(file)) for file in files)
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
