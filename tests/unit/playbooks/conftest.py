"""Playbooks as they are typed, with this environment's Ansible."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from fleet.paths import REPOSITORY

_PLAYBOOKS = REPOSITORY / "ansible"
_PROGRAM = Path(sys.executable).with_name("ansible-playbook")


@pytest.fixture
def run_playbook() -> Callable[..., tuple[int, str]]:
    """Run `ansible-playbook WORDS` with nobody to answer: its exit code, and what it said."""

    def run(*words: str | Path, program: Sequence[Path] = (_PROGRAM,)) -> tuple[int, str]:
        done = subprocess.run(
            [*program, *words],
            cwd=_PLAYBOOKS,
            env={**os.environ, "ANSIBLE_CONFIG": str(_PLAYBOOKS / "ansible.cfg")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    return run
