"""Adding packages to those of the image, for one task."""

from __future__ import annotations

import importlib
import site
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path

from ml.runtime.environment import canonical, installed
from ml.runtime.errors import UserError
from ml.runtime.needs import unmet

_INSTALL_SECONDS = 1800
_SHOWN_LINES = 20


def install(packages: Sequence[str], folder: Path, log: Callable[[str], None]) -> None:
    """Install packages beside those that are there, for this process alone.

    Nothing that is there is replaced, and nothing enters that is not named: what a package needs
    must be there or be named too. Only wheels are taken, since building anything else would run
    code with tools that nobody pinned. pip asks the index that the image or the node has
    configured.

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
        Of the class ``dependency``: what pip could not do, in its words; or what the packages
        need and do not find.
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
    command += ["--no-deps", "--only-binary=:all:", "--prefix", str(folder)]
    command += ["--constraint", str(constraints), "--", *missing]
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
    added = {Path(sysconfig.get_path(kind, scheme, base)) for kind in ("purelib", "platlib")}
    for path in sorted(added):
        # at the end of the path: the image's own packages go first
        site.addsitedir(str(path))
    importlib.invalidate_caches()
    needs = unmet(sorted(added))
    if needs:
        raise UserError(
            f"the packages {', '.join(missing)} are not enough: {'; '.join(needs)}",
            where="the template's packages",
            mend="declare what they need too, each pinned, or versions that go with the image's "
            "lock; then publish the templates",
            failure_class="dependency",
        )


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
