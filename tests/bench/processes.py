"""Trees of processes: what they cost, with all that their children used, and their end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil


def output(
    command: Iterable[str | Path],
    *,
    folder: Path,
    environment: Mapping[str, str],
    timeout: float | None = None,
) -> str:
    """What a command printed; all that it started ends with whoever waits for it.

    Raises
    ------
    RuntimeError
        It failed; the text has the end of what it printed.
    subprocess.TimeoutExpired
        It took longer, in seconds.
    """
    words = [str(word) for word in command]
    with subprocess.Popen(
        words,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A playbook's workers do not end by themselves when it is killed.
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=timeout)
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)}: {said[-3000:]}")
    return said


def tree(roots: Iterable[int]) -> list[psutil.Process]:
    """The processes with these ids and all that descend from them, those in containers too."""
    found: dict[int, psutil.Process] = {}
    for pid in roots:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            found[process.pid] = process
    return list(found.values())


def cpu_seconds(roots: Iterable[int]) -> float:
    """CPU time that the trees have used so far, in seconds.

    A child that ends hands its time to its parent, so the sum over a tree misses none.
    """
    total = 0.0
    for process in tree(roots):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def memory_bytes(roots: Iterable[int]) -> int:
    """Proportional set size of the trees: what is shared is counted once."""
    total = 0
    for process in tree(roots):
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total
