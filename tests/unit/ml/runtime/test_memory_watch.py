"""A process that fills its memory says so before it ends."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest

from ml.runtime import memory, memory_watch
from ml.runtime.memory import Bound
from ml.runtime.memory_watch import MemoryWatch

HUNGRY = """
import sys, time
from pathlib import Path
import numpy as np
from ml.runtime import memory
from ml.runtime.folder_step import FolderStep
from ml.runtime.memory_watch import MemoryWatch

pipeline = FolderStep("pipeline", "r1", Path(sys.argv[1]))
step = FolderStep("training", "r1", Path(sys.argv[1]) / "training", pipeline)
megabytes = int(sys.argv[2])
with MemoryWatch(step.give_up, limit=memory.held() + 200_000_000):
    kept = []
    for _ in range(megabytes // 10):
        kept.append(np.ones(10_000_000 // 8))
        time.sleep(0.01)
    time.sleep(float(sys.argv[3]))
step.finish(0.0)
"""


def hungry(folder, megabytes, seconds):
    return subprocess.run(
        [sys.executable, "-c", HUNGRY, str(folder), str(megabytes), str(seconds)],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_step_that_fills_its_memory_says_so_and_ends(tmp_path):
    done = hungry(tmp_path, 600, seconds=30)
    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("error: out of memory: ")
    for folder in (tmp_path, tmp_path / "training"):
        record = json.loads((folder / "step.json").read_text())
        assert record["status"] == "failed"
        assert record["properties"]["failure_class"] == "resource"
        assert record["properties"]["failure"].startswith("out of memory: ")
        assert " GB are used; take fewer rows" in record["properties"]["failure"]


def test_a_step_that_has_enough_is_let_alone(tmp_path):
    done = hungry(tmp_path, 100, seconds=0.5)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "training/step.json").read_text())["status"] == "completed"


@pytest.fixture
def ended(monkeypatch):
    """Watches a given bound of which this process holds so much; gives the exit statuses."""

    def watch(bounds, held):
        monkeypatch.setattr(memory, "bounds", lambda: bounds)
        monkeypatch.setattr(memory, "held", lambda: held)
        monkeypatch.setattr(memory_watch, "_SECONDS", 0.001)
        monkeypatch.setattr(memory_watch, "_SECONDS_NEAR", 0.001)
        said, statuses = [], []
        with MemoryWatch(said.append, end=statuses.append) as watching:
            watching._thread.join(0.2)
        return statuses, [failure.failure_class for failure in said]

    return watch


def test_what_others_hold_ends_nobody(ended):
    assert ended([Bound(1000, 990)], held=400) == ([], [])


def test_the_fullest_bound_counts(ended):
    assert ended([Bound(10**9, 10), Bound(1000, 980)], held=900) == ([1], ["resource"])
    assert ended([Bound(10**9, 10), Bound(1000, 960)], held=900) == ([], [])


def test_a_process_is_ended_even_if_nobody_can_be_told(monkeypatch):
    monkeypatch.setattr(memory, "bounds", lambda: [Bound(1000, 999)])
    monkeypatch.setattr(memory, "held", lambda: 999)
    monkeypatch.setattr(memory_watch, "_SECONDS", 0.001)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    statuses = []

    def refuse(_failure):
        raise ConnectionError

    with MemoryWatch(refuse, end=statuses.append) as watching:
        watching._thread.join(5)
    assert statuses == [1]


def test_the_pages_of_children_count():
    before = memory.held()
    code = "kept = b'x' * 50_000_000; print('there', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        child.stdout.readline()
        assert memory.held() - before > 45_000_000
        child.stdin.write("\n")
