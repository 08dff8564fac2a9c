"""The build context of an image: a folder with exactly what its inputs hash is made of."""

from __future__ import annotations

import shutil
from pathlib import Path

from fleet.images import locks
from fleet.images.inputs import LOCK, is_executable


def stage(target: Path, files: dict[str, Path], *, parent_locks: list[Path]) -> Path:
    """Lay out a build context, in place of what a run that was cut off left there.

    Parameters
    ----------
    target : Path
        The folder.
    files : dict of str to Path
        See :func:`fleet.images.inputs.context_files`.
    parent_locks : list of Path
        Locks of the images beneath: what they hold is left out of this image's lock.

    Returns
    -------
    Path
        The context's lock, of what is to be installed; it is not there without one.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name, source in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)
        # A Dockerfile's COPY keeps modes, and a checkout's are its user's umask's.
        path.chmod(0o755 if is_executable(source) else 0o644)
    for folder in (target, *(path for path in target.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    lock = target / LOCK
    if lock.exists():
        beneath = [path.read_text() for path in parent_locks]
        lock.write_text(locks.beyond(lock.read_text(), beneath))
    return lock
