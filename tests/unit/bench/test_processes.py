"""How benchmarks run other programs."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from tests.bench.processes import output

#: A program with a child that outlives it, as a playbook that is killed leaves its workers.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL)
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(60)
"""


def test_what_a_command_printed(tmp_path):
    command = [sys.executable, "-c", "import os; print(os.getcwd(), os.environ['A'])"]
    assert output(command, folder=tmp_path, environment={"A": "b"}) == f"{tmp_path} b\n"


def test_a_command_that_fails_is_told_with_its_words(tmp_path):
    command = [sys.executable, "-c", "print('no disk'); raise SystemExit(3)"]
    with pytest.raises(RuntimeError, match="no disk"):
        output(command, folder=tmp_path, environment=os.environ)


def test_nothing_that_a_command_started_outlives_the_wait_for_it(tmp_path):
    file = tmp_path / "child"
    command = [sys.executable, "-c", PARENT, file]
    with pytest.raises(subprocess.TimeoutExpired):
        output(command, folder=tmp_path, environment=os.environ, timeout=3)

    child = int(file.read_text())
    end = time.monotonic() + 20
    while runs(child):
        assert time.monotonic() < end
        time.sleep(0.05)


def runs(process):
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
