"""What goes into an image, and the hash that tells whether any of it changed."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

from fleet.images.catalog import ImageSpec
from fleet.images.model import Torch

INSTALLER = "install-locked"
LOCK = "requirements.lock"

# Files that lie in an image's folder and are for people or for the making of its lock.
_NOT_SENT = (".md", ".in", ".lock", ".pyc")


def context_files(name: str, spec: ImageSpec, torch: Torch, folder: Path) -> dict[str, Path]:
    """The files of an image's build context, by their path in it.

    Parameters
    ----------
    name, spec
        The image.
    torch : {"cpu", "cuda"}
        The build of PyTorch, for an image that has one.
    folder : Path
        images/.

    Returns
    -------
    dict of str to Path
        The image's folder, and with a lock also the lock and the script that installs it.
    """
    home = folder / (spec.folder or name)
    files = {
        str(path.relative_to(home)): path
        for path in sorted(home.rglob("*"))
        if path.is_file() and path.suffix not in _NOT_SENT
    }
    if lock := spec.lock_for(torch):
        files[LOCK] = folder / lock
        files[INSTALLER] = folder / INSTALLER
    return files


def hash_inputs(files: dict[str, Path], *, base: str, settings: dict[str, str]) -> str:
    """Hash of everything that decides an image's content.

    Parameters
    ----------
    files : dict of str to Path
        As :func:`context_files` gives them: names, contents and executable bits count.
    base : str
        The identity of what it stands on: a base's, or the hash of the parent's own inputs.
    settings : dict of str to str
        Build arguments and whatever else is chosen.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    total = hashlib.sha256()

    def add(*parts: str | bytes) -> None:
        for part in parts:
            data = part.encode() if isinstance(part, str) else part
            total.update(f"{len(data)}:".encode() + data)

    add("base", base)
    for key in sorted(settings):
        add("setting", key, settings[key])
    for name in sorted(files):
        add("file", name, str(is_executable(files[name])), files[name].read_bytes())
    return total.hexdigest()


def is_executable(path: Path) -> bool:
    """Whether a file's owner may execute it: all of its mode that counts."""
    return bool(path.stat().st_mode & stat.S_IXUSR)
