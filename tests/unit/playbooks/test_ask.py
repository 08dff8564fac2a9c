"""Production asks before it acts: the shared tasks, run for real against this machine alone."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from fleet.paths import REPOSITORY

_PLAYBOOK = f"""
- name: Act
  hosts: all
  gather_facts: false
  tasks:
    - name: Ensure this is wanted
      ansible.builtin.import_tasks: {REPOSITORY}/ansible/tasks/ask.yml
      vars: {{ask_what: "drain {{{{ ansible_play_hosts | join(', ') }}}}"}}
      tags: [always]
    - name: Act
      ansible.builtin.debug: {{msg: acted}}
"""
_INVENTORY = """
all:
  hosts:
    spare: {}
    busy: {fleet_production: true}
  vars: {ansible_connection: local}
"""
_SECONDS = 60


@pytest.fixture
def command(tmp_path) -> list[str]:
    (tmp_path / "play.yml").write_text(_PLAYBOOK)
    (tmp_path / "hosts.yml").write_text(_INVENTORY)
    program = Path(sys.executable).parent / "ansible-playbook"
    return [str(program), "-i", str(tmp_path / "hosts.yml"), str(tmp_path / "play.yml")]


def _unattended(command: list[str], *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *more],
        cwd=REPOSITORY / "ansible",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def _answered(command: list[str], answer: str) -> str:
    """What a playbook says at a terminal where somebody types an answer to its question."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(REPOSITORY / "ansible")
        os.execv(command[0], command)
    said, deadline = b"", time.monotonic() + _SECONDS
    try:
        while time.monotonic() < deadline:
            if select.select([terminal], [], [], 1)[0]:
                said += os.read(terminal, 4096)
            elif b"Type yes" in said:
                # Ansible forgets what was typed before it began to listen: said once more.
                os.write(terminal, answer.encode() + b"\r")
    except OSError:  # the terminal of a process that has ended
        pass
    finally:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(terminal)
    return said.decode()


def test_production_with_nobody_to_answer_is_left_alone_and_the_way_on_is_named(command):
    done = _unattended(command)
    assert done.returncode != 0
    assert "acted" not in done.stdout
    assert "drain spare, busy" in done.stdout + done.stderr
    assert "-e fleet_yes=true" in done.stdout + done.stderr


@pytest.mark.parametrize("more", [("-e", "fleet_yes=true"), ("--check",), ("--limit", "spare")])
def test_who_says_so_looks_only_or_leaves_production_out_is_not_asked(command, more):
    done = _unattended(command, *more)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "acted" in done.stdout


def test_a_typed_yes_goes_on_and_anything_else_does_not(command):
    assert "msg: acted" in _answered(command, "yes")
    assert "msg: acted" not in _answered(command, "no")


def test_what_always_asks_does_so_on_any_fleet(command, tmp_path):
    play = tmp_path / "play.yml"
    play.write_text(play.read_text().replace("vars: {", "vars: {ask_always: true, "))
    done = _unattended(command, "--limit", "spare")
    assert done.returncode != 0
    assert "acted" not in done.stdout
