"""``python -m ml PHASE``: on a laptop into a folder, under an agent as its task."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.catalog import PHASES
from ml.runtime.conventions import new_run_id
from ml.runtime.errors import UserError
from ml.runtime.folder_lock import held
from ml.runtime.folder_step import FolderStep
from ml.runtime.parameters import fields
from ml.runtime.phase import Phase

# the agent names the task to run in this variable
_TASK_VARIABLE = "CLEARML_TASK_ID"
# as a shell has it for a command that SIGINT ends
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the phase that the command line names; returns the exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.
    """
    options = _parser().parse_args(arguments)
    phase = PHASES[options.phase]
    try:
        if os.environ.get(_TASK_VARIABLE):
            # the SDK is loaded only where there is a task
            from ml.runtime.task_step import run_task

            return 1 if run_task(phase) else 0
        return 1 if _run_in_folder(phase, options) else 0
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"interrupted; steps that had ended are in {options.out}", file=sys.stderr)
        return _INTERRUPTED


def _run_in_folder(phase: Phase, options: argparse.Namespace) -> bool:
    values = dict(_assignment(text) for text in options.set)
    if options.out is None:
        raise UserError(
            "there is no folder to write to", where="--out", mend="add --out and a folder's name"
        )
    try:
        with held(options.out):
            step = FolderStep(phase.name, new_run_id(), options.out)
            return step.run(phase, values) is not None
    except OSError as error:
        raise UserError(
            f"the folder cannot be written to: {error.strerror or error}",
            where=f"--out {options.out}",
            mend="name a folder that you may make and write to, on a disk with room",
        ) from None


def _assignment(text: str) -> tuple[str, str]:
    path, equals, value = text.partition("=")
    if not equals:
        raise UserError(
            f"{text!r} sets nothing", where="--set", mend="write --set Section/field=value"
        )
    return path.strip(), value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml", description="Run one phase of the tabular workflow."
    )
    commands = parser.add_subparsers(dest="phase", metavar="PHASE", required=True)
    for phase in PHASES.values():
        command = commands.add_parser(
            phase.name,
            help=phase.help,
            description=phase.help,
            epilog=_field_help(phase),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="Section/field=value",
            help="set one of the fields below; may be given again",
        )
        command.add_argument(
            "--out", type=_folder, help="folder for what the phase leaves; not under an agent"
        )
    return parser


def _folder(text: str) -> Path:
    # of an empty text, as an unset variable gives it, a path would be the current folder
    if not text:
        raise argparse.ArgumentTypeError("the name of the folder is empty")
    return Path(text)


def _field_help(phase: Phase) -> str:
    lines = ["fields (where an id is asked for, name the --out folder of the earlier phase):"]
    for field in fields(phase.parameters):
        lines.append(f"  {field.path}={field.default}  ({field.type})")
        lines.append(f"      {field.help}")
    return "\n".join(lines)
