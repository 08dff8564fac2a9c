"""What an operator wishes of all the agents of a node: files in a folder that they all read."""

from __future__ import annotations

import json
import os
import tempfile
import time

DRAINED = "drained"


def read_wish(directory):
    """The wish that the agents take nothing; None where nobody wishes it.

    Parameters
    ----------
    directory : str
        The folder of wishes; it may be missing.

    Returns
    -------
    dict or None
        `reason`, `by` and `since`, as far as they can be read.
    """
    try:
        with open(os.path.join(directory, DRAINED), encoding="utf-8") as file:
            found = json.load(file)
    except FileNotFoundError:
        return None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def wish(directory, reason, by):
    """Write the wish: whole, or not at all."""
    os.makedirs(directory, mode=0o755, exist_ok=True)
    said = {"reason": reason, "by": by, "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    descriptor, draft = tempfile.mkstemp(dir=directory, prefix=".wish-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(said, file)
    os.chmod(draft, 0o644)
    os.replace(draft, os.path.join(directory, DRAINED))


def withdraw(directory):
    """Remove the wish; one that is gone already is no error."""
    try:
        os.unlink(os.path.join(directory, DRAINED))
    except FileNotFoundError:
        return
