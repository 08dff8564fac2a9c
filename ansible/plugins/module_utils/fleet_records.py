"""What agents have written down on a node of the tasks that they have in hand."""

from __future__ import annotations

import fcntl
import json
import os


def abandoned_tasks(data_directory, slots):
    """Tasks of agents that died while they left, in slots that no agent serves any more.

    Parameters
    ----------
    data_directory : str
        Where the agents write down what they have in hand.
    slots : collection of str
        Slots that have an agent, which takes up what the one before it left.

    Returns
    -------
    list of dict
        `slot`, `task` and `file`, in order.
    """
    found = []
    for group in _listed(data_directory):
        kept = os.path.join(data_directory, group, ".agent")
        for slot in _listed(kept):
            records = os.path.join(kept, slot, "in-hand")
            files = [os.path.join(records, n) for n in _listed(records) if n.endswith(".json")]
            found += [
                {"slot": slot, "task": os.path.basename(file).partition(".")[0], "file": file}
                for file in files
                if slot not in slots and not _held(file) and not _is_over(file)
            ]
    return found


def say_abandoned(left):
    """What to tell of one of them.

    Parameters
    ----------
    left : dict
        As `abandoned_tasks` has it.
    """
    slot, task, file = left["slot"], left["task"], left["file"]
    return (
        f"{slot}: its agent died while it had task {task}, and the machine no longer has that "
        "slot: nobody finishes the task or puts it back. Fix: end its container, if it still runs "
        f"(docker rm --force $(docker ps --quiet --filter name=fleet-{task})), reset and enqueue "
        f"the task, and remove {file}; or declare the slot again, and its agent sees to the task"
    )


def _is_over(file):
    """Whether the task has its end, and only its container may be left."""
    try:
        with open(file, encoding="utf-8") as record:
            return bool(json.load(record).get("is_over"))
    except (OSError, ValueError, AttributeError):
        return False


def _held(file):
    """Whether an agent that lives has the task; each holds a lock beside what it wrote."""
    try:
        with open(f"{file.removesuffix('.json')}.lock", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _listed(folder):
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
