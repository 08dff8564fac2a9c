"""Files and folders of a node: laid down whole, and only where they differ."""

from __future__ import annotations

import os
import tempfile


def lay_down(folders, files, dry_run):
    """Bring folders and files to what they should be.

    Parameters
    ----------
    folders : dict of str to int
        Path → mode; one that is inside another comes after it.
    files : dict of str to tuple of str and int
        Path → text and mode.
    dry_run : bool
        Whether to look only.

    Returns
    -------
    dict
        `folders` and `written`: what was not as it should be.
    """
    changed = {
        "folders": [path for path, mode in folders.items() if not _is_folder(path, mode)],
        "written": [path for path, (text, mode) in files.items() if not _holds(path, text, mode)],
    }
    if dry_run:
        return changed
    for path in changed["folders"]:
        os.makedirs(path, exist_ok=True)
        os.chown(path, os.geteuid(), os.getegid())
        os.chmod(path, folders[path])
    for path in changed["written"]:
        write(path, *files[path])
    return changed


def read(path):
    """The text of a file; empty where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def write(path, text, mode):
    """Write whole or not at all; nobody but the owner reads it before its mode is set."""
    descriptor, draft = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".fleet-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chown(draft, os.geteuid(), os.getegid())
        os.chmod(draft, mode)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def remove(paths):
    """Remove files; one that is gone already is no error."""
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue


def _is_folder(path, mode):
    if not os.path.isdir(path):
        return False
    found = os.stat(path)
    return found.st_mode & 0o7777 == mode and _is_own(found)


def _holds(path, text, mode):
    if not os.path.isfile(path):
        return False
    found = os.stat(path)
    return found.st_mode & 0o7777 == mode and _is_own(found) and read(path) == text


def _is_own(found):
    return (found.st_uid, found.st_gid) == (os.geteuid(), os.getegid())
