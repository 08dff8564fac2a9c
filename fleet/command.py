"""Run other programs: no shell, always a time limit, and an error that shows what they said."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from fleet.errors import FleetError

#: For apt-get, so that it waits for whoever installs packages just now.
APT_WAITS = ("-o", "DPkg::Lock::Timeout=300")
_TAIL_LINES = 12
#: System programs are often outside the PATH of a user who is not root.
_SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"


def run(
    arguments: Sequence[str],
    *,
    timeout: float = 60,
    check: bool = True,
    stdin: str | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    mend: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return what it wrote.

    Parameters
    ----------
    arguments : sequence of str
        The program and its arguments; never a secret, which belongs in `stdin` or a file.
    timeout : float
        Seconds after which it is killed.
    check : bool
        Whether a non-zero exit is an error.
    stdin : str, optional
        What it reads; nothing by default.
    cwd : Path, optional
        Its working directory.
    env : mapping, optional
        Variables set on top of this process's own.
    mend : str
        What to do when it fails.

    Raises
    ------
    FleetError
        The program is missing, takes too long, or fails (with the end of what it said).
    """
    try:
        done = subprocess.run(
            list(arguments),
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            cwd=cwd,
            env={**os.environ, **env} if env else None,
            check=False,
        )
    except FileNotFoundError as error:
        raise FleetError(
            f"{arguments[0]} is not installed", mend=mend or f"install {arguments[0]}"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise FleetError(
            f"{brief(arguments)} took longer than {timeout:.0f} s and was stopped",
            mend=mend or "see whether the machine is overloaded, then try again",
        ) from error
    if check and done.returncode != 0:
        raise FleetError(
            f"{brief(arguments)} failed ({done.returncode})",
            where=tail(done.stderr or done.stdout),
            mend=mend or "mend what it says, then try again",
        )
    return done


def tail(text: str, lines: int = _TAIL_LINES) -> str:
    """The last lines of a text, indented to stand under an error."""
    return "\n       ".join(text.strip().splitlines()[-lines:])


def brief(arguments: Sequence[str]) -> str:
    """A command for people: the program and its first words, without options."""
    words = [os.path.basename(arguments[0])]
    for argument in arguments[1:]:
        if argument.startswith("-"):
            break
        words.append(argument)
    return "`" + " ".join(words[:3]) + "`"


def find(program: str) -> str | None:
    """Path of a program, also of a system program that is not in the user's PATH."""
    return shutil.which(program) or shutil.which(program, path=_SYSTEM_PATH)


def use_system_path() -> None:
    """Let what this process starts find system programs too.

    Root by plain `su` keeps a user's PATH, in which an engine finds neither iptables nor runc.
    """
    path = os.environ.get("PATH", "").split(os.pathsep)
    more = [folder for folder in _SYSTEM_PATH.split(":") if folder not in path]
    os.environ["PATH"] = os.pathsep.join([*(folder for folder in path if folder), *more])


def own_program(program: str) -> str:
    """Path of a program of the virtual environment that this process runs in."""
    return str(Path(sys.executable).parent / program)
