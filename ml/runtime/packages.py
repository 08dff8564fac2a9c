"""The packages that a phase adds to those of its image: which are allowed, and installing them."""

from __future__ import annotations

import importlib
import re
import site
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path

from ml.runtime.environment import canonical, installed
from ml.runtime.errors import UserError
from ml.runtime.phase import Phase

_PINNED = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?==[A-Za-z0-9][A-Za-z0-9.!+_-]*")
_INSTALL_SECONDS = 1800
_SHOWN_LINES = 20


def check_packages(phase: Phase, environment: str, where: str = "") -> None:
    """Refuse packages that a phase may not declare.

    Parameters
    ----------
    phase : Phase
    environment : str
        The policy: ``strict`` or ``extended``.
    where : str
        The file or the task; by default the phase's name.

    Raises
    ------
    UserError
        A package is not pinned, or the policy allows none.
    """
    place = where or f"phase {phase.name}"
    loose = [package for package in phase.packages if not _PINNED.fullmatch(package)]
    if loose:
        raise UserError(
            f"the phase {phase.name} declares packages that are not pinned: {', '.join(loose)}",
            where=place,
            mend="write each as name==version, with one exact version",
            failure_class="dependency",
        )
    if phase.packages and environment == "strict":
        raise UserError(
            f"the phase {phase.name} declares packages ({', '.join(phase.packages)}), and the "
            "environment is strict",
            where=f"{place}, queues.yml, policy environment: strict",
            mend="add them to the image's lock (images/requirements.in, `make lock`), or write "
            "environment: extended",
            failure_class="dependency",
        )


def install(packages: Sequence[str], folder: Path, log: Callable[[str], None]) -> None:
    """Install packages beside those that are there, for this process alone.

    Nothing that is there is replaced: a package that wants another version of it is refused. pip
    asks the index that the image or the node has configured.

    Parameters
    ----------
    packages : sequence of str
        Each ``name==version``.
    folder : Path
        Where they go; it must not outlive the task.
    log : callable
        Takes each line that is shown.

    Raises
    ------
    UserError
        Of the class ``dependency``: what pip could not do, in its words.
    """
    present = installed()
    missing = [package for package in packages if not _is_there(package, present)]
    if not missing:
        return
    folder.mkdir(parents=True, exist_ok=True)
    constraints = folder / "image.txt"
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in present.items()))
    log(f"adding to the image's packages: {', '.join(missing)}")
    command = [sys.executable, "-m", "pip", "install", "--no-input", "--no-cache-dir"]
    command += ["--prefix", str(folder), "--constraint", str(constraints), *missing]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _not_installed(missing, f"pip had not ended after {_INSTALL_SECONDS} s") from None
    lines = (done.stdout + done.stderr).strip().splitlines()
    for line in lines[-_SHOWN_LINES:]:
        log(f"  pip: {line}")
    if done.returncode:
        raise _not_installed(missing, _reason(lines))
    scheme = sysconfig.get_preferred_scheme("prefix")
    base = {"base": str(folder), "platbase": str(folder)}
    for kind in ("purelib", "platlib"):
        # at the end of the path: the image's own packages go first
        site.addsitedir(sysconfig.get_path(kind, scheme, base))
    importlib.invalidate_caches()


def _is_there(package: str, present: dict[str, str]) -> bool:
    name, _, version = package.partition("==")
    return present.get(canonical(name)) == version


def _reason(lines: Sequence[str]) -> str:
    """pip's own first word on it: the line that names what it looked for."""
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return errors[0] if errors else "pip said nothing"


def _not_installed(packages: Sequence[str], reason: str) -> UserError:
    return UserError(
        f"the packages {', '.join(packages)} cannot be added: {reason}",
        where="the template's packages",
        mend="see pip's lines above; give the agents an index that has them (pip's settings of "
        "the image or the node), or declare versions that go with the image's lock",
        failure_class="dependency",
    )
