"""The embedded server and all that it needs but Python, as one file that a node runs."""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path

from packaging.requirements import Requirement

from fleet.errors import FleetError
from fleet.paths import REPOSITORY

#: What the server imports that is not of this repository; what these need comes with them.
ROOTS = ("starlette", "uvicorn", "PyJWT")
LOCK = REPOSITORY / "requirements" / "control.lock"

_SOURCES = ("fleet/__init__.py", "fleet/errors.py", "fleet/server", "ml/__init__.py")
_ERRORS = ("ml/runtime/__init__.py", "ml/runtime/errors.py")
_MAIN = "from fleet.server.__main__ import main\n\nmain()\n"
_MODE = 0o644 << 16
_MEND = "make the environment anew from its lock: rm -r .venv && make venv"


def write(destination: Path, *, lock: Path = LOCK) -> bool:
    """Write the file, the same bytes for the same code; whether it was not there already.

    Parameters
    ----------
    destination : Path
        The file, run as `python3 FILE serve SETTINGS` by any Python from 3.11 on.
    lock : Path
        Requirements with hashes that this environment was installed from.

    Raises
    ------
    FleetError
        A package is missing, is of another version than the lock's, was changed since it was
        installed, or holds machine code, which would not run on every node.
    """
    content = {"__main__.py": _MAIN.encode(), **_own_code()}
    for distribution in _distributions(ROOTS, lock):
        content.update(_verified_code(distribution))
    draft = destination.with_suffix(".new")
    destination.parent.mkdir(parents=True, exist_ok=True)
    # Stored, not deflated: other versions of zlib give other bytes.
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(content):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = _MODE
            archive.writestr(entry, content[name])
    if destination.is_file() and destination.read_bytes() == draft.read_bytes():
        draft.unlink()
        return False
    draft.replace(destination)
    return True


def _own_code() -> dict[str, bytes]:
    content = {}
    for source in (*_SOURCES, *_ERRORS):
        path = REPOSITORY / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            content[file.relative_to(REPOSITORY).as_posix()] = file.read_bytes()
    return content


def _distributions(roots: Sequence[str], lock: Path) -> Iterator[importlib.metadata.Distribution]:
    """The packages, and those that they need, each of the lock's version."""
    locked = {_plain(name): version for name, version in _pins(lock)}
    waiting, seen = list(roots), set()
    while waiting:
        name = waiting.pop()
        if _plain(name) in seen:
            continue
        seen.add(_plain(name))
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            raise FleetError(f"the package {name} is not installed", mend=_MEND) from None
        if locked.get(_plain(name)) != distribution.version:
            raise FleetError(
                f"{name} {distribution.version} is installed, not the version that is locked",
                where=str(lock),
                mend=_MEND,
            )
        yield distribution
        for line in distribution.requires or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(needed.name)


def _verified_code(distribution: importlib.metadata.Distribution) -> Iterator[tuple[str, bytes]]:
    """The files of a package, each compared with the hash that it was installed with."""
    for path in distribution.files or []:
        if path.suffix in (".so", ".pyd"):
            raise FleetError(
                f"{distribution.name} holds machine code, which not every node can run",
                where=str(path),
                mend="choose a release of it that is Python alone",
            )
        # Scripts lie outside; compiled files and pip's own notes have no hash.
        if path.hash is None or ".." in path.parts or ".dist-info" in path.parts[0]:
            continue
        data = Path(distribution.locate_file(path)).read_bytes()
        digest = urlsafe_b64encode(hashlib.new(path.hash.mode, data).digest()).decode()
        if digest.rstrip("=") != path.hash.value:
            raise FleetError(
                f"{path} of {distribution.name} is not as it was installed",
                where=str(distribution.locate_file(path)),
                mend=_MEND,
            )
        yield path.as_posix(), data


def _pins(lock: Path) -> list[tuple[str, str]]:
    return re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock.read_text(), flags=re.MULTILINE)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
