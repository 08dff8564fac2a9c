"""Plays of the repository's roles on this machine, by Ansible itself."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import ansible.module_utils
import pytest

from fleet.paths import REPOSITORY

PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
ENVIRONMENT = {
    "ANSIBLE_CONFIG": str(REPOSITORY / "ansible" / "ansible.cfg"),
    "ANSIBLE_LOCALHOST_WARNING": "false",
    "ANSIBLE_NOCOLOR": "true",
}


# Where Ansible finds what modules share.
ansible.module_utils.__path__.append(str(REPOSITORY / "ansible/plugins/module_utils"))


class Run(NamedTuple):
    """What a playbook gave: its exit status, and all that it printed."""

    status: int
    said: str

    @property
    def words(self) -> str:
        """What it printed, without the breaks of lines."""
        return " ".join(self.said.split())


def ansible_playbook(*arguments: str, folder: Path) -> Run:
    """Run `ansible-playbook` with the repository's configuration."""
    done = subprocess.run(
        [PLAYBOOK, *arguments],
        cwd=folder,
        env={**os.environ, **ENVIRONMENT},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Run(done.returncode, done.stdout + done.stderr)


@pytest.fixture(scope="session")
def load_module():
    """A module of Ansible by its path in the repository."""

    def load(path: str):
        file = REPOSITORY / path
        spec = importlib.util.spec_from_file_location(file.stem, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(name="ansible_playbook")
def give_ansible_playbook():
    """Run a playbook with given arguments in a folder."""
    return ansible_playbook


@pytest.fixture
def run_role(tmp_path):
    """Run a role's tasks on this machine, with the variables that a host has."""

    def run(
        role: str,
        *options: str,
        tasks: str = "main",
        before: tuple[dict[str, Any], ...] = (),
        files: tuple[str, ...] = (),
        **variables: Any,
    ) -> Run:
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "connection": "local",
            "vars": {**variables, "ansible_python_interpreter": sys.executable},
            "vars_files": list(files),
            "tasks": [
                *before,
                {"ansible.builtin.include_role": {"name": role, "tasks_from": tasks}},
            ],
        }
        (tmp_path / "play.yml").write_text(json.dumps([play]))
        return ansible_playbook("-i", "localhost,", *options, "play.yml", folder=tmp_path)

    return run
