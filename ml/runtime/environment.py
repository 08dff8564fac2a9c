"""What a step computes with: the packages that are there, and a short hash of them."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# of the commit that runs, for the libraries of ml/; an image is built from one such file
LOCK = Path(__file__).parents[2] / "images" / "requirements.lock"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_INFO = ".dist-info"
_HASH_DIGITS = 12


def canonical(name: str) -> str:
    """A package's name in the one spelling that all its spellings have in common (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> dict[str, str]:
    """Name → version of each package on ``sys.path``, in the order of names.

    Only the names of folders are read: a hundred packages cost a millisecond.
    """
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            entries = os.listdir(folder or ".")
        except OSError:
            continue
        for entry in entries:
            if entry.endswith(_INFO):
                name, _, version = entry.removesuffix(_INFO).partition("-")
                # what comes first on the path is what is imported
                found.setdefault(canonical(name), version)
    return dict(sorted(found.items()))


def describe(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Any]:
    """What a step's environment is.

    Parameters
    ----------
    before, after : mapping
        As :func:`installed` gives them, before and after packages were added to the image's.

    Returns
    -------
    dict
        `hash` (equal for equal Python and packages), `python`, `packages`, `added`, and
        `unlike_lock`: the packages that are not at the version of the commit's lock.
    """
    python = platform.python_version()
    text = json.dumps([python, sorted(after.items())])
    return {
        "hash": hashlib.sha256(text.encode()).hexdigest()[:_HASH_DIGITS],
        "python": python,
        "added": {name: version for name, version in after.items() if name not in before},
        "unlike_lock": {
            name: {"lock": version, "installed": after.get(name)}
            for name, version in locked().items()
            if after.get(name) != version
        },
        "packages": dict(after),
    }


def locked(path: Path = LOCK) -> dict[str, str]:
    """Name → version of each package of a lock; none where there is no such file."""
    if not path.is_file():
        return {}
    return {canonical(name): version for name, version in _PIN.findall(path.read_text("utf-8"))}
