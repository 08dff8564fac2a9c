"""What commands cost."""

from __future__ import annotations

import sys

import pytest

from tests.bench.commands import cost, in_turns

# writes a character to a file each time it runs, and holds some memory
HOLDING = """
import sys
held = b"x" * int(sys.argv[1])
open(sys.argv[2], "a").write(sys.argv[3])
"""


def test_the_peak_of_a_command_is_its_own():
    held_by_the_parent = b"x" * 100_000_000
    small = cost([sys.executable, "-c", "pass"])
    del held_by_the_parent
    large = cost([sys.executable, "-c", "held = b'x' * 100_000_000"])
    assert large.peak - small.peak > 90_000_000
    assert small.cpu_seconds > 0


def test_commands_take_turns(tmp_path):
    order = tmp_path / "order"
    commands = {who: [sys.executable, "-c", HOLDING, "1", order, who] for who in "ab"}
    said: list[str] = []
    costs = in_turns("writing", commands, 2, said.append)
    assert order.read_text() == "abab"
    assert [len(found) for found in costs.values()] == [2, 2]
    assert [line.partition(":")[0] for line in said] == ["writing, a", "writing, b"] * 2


def test_a_command_has_the_environment_that_is_asked_for(tmp_path):
    told = tmp_path / "told"
    write = "import os, sys; open(sys.argv[1], 'w').write(os.environ['THREADS'])"
    cost([sys.executable, "-c", write, told], {"THREADS": "1"})
    assert told.read_text() == "1"


def test_a_command_that_fails_is_told():
    with pytest.raises(RuntimeError, match="failed"):
        cost([sys.executable, "-c", "raise SystemExit(3)"])
