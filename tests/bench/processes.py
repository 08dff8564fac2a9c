"""What trees of processes cost: their CPU time and memory, with all that their children used."""

from __future__ import annotations

from collections.abc import Iterable

import psutil


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
