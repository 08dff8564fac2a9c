"""Run a playbook against a local fleet: its tasks as progress, its failures in a few words."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from fleet.command import own_program
from fleet.errors import FleetError
from fleet.local.layout import Layout
from fleet.paths import REPOSITORY

ANSIBLE = REPOSITORY / "ansible"

_END_SECONDS = 10
_SHOWN_FAILURES = 5
_TASK = re.compile(r"^(?:TASK|RUNNING HANDLER|PLAY) \[(?P<name>.*)\] \**$")
#: A task that Ansible itself puts before each role.
_ARGUMENT_CHECK = ": Validating arguments against arg spec"
_FAILURE = re.compile(r"^(?:fatal|failed): \[(?P<host>[^\]]+)\].*?=> (?P<result>\{.*)$")
_RECAP = re.compile(r"^\S+\s+: ok=\d+\s+changed=(?P<changed>\d+)\s")


class Reader:
    """Reads what a playbook prints: what it does now, what failed, how much it changed.

    Parameters
    ----------
    say : callable
        Takes the name of each play and of each of its tasks when it begins.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._task = ""
        self.failures: list[str] = []
        self.errors: list[str] = []
        self.changed = 0

    def read(self, lines: Iterable[str]) -> None:
        """Take the lines of the output."""
        for line in lines:
            self._line(line.rstrip())

    def _line(self, line: str) -> None:
        if task := _TASK.match(line):
            self._task = task["name"]
            if _ARGUMENT_CHECK not in self._task:
                self._say(self._task)
        elif failure := _FAILURE.match(line):
            self.failures.append(f"{failure['host']}: {self._task}: {_message(failure['result'])}")
        elif recap := _RECAP.match(line):
            self.changed += int(recap["changed"])
        elif line.startswith(("ERROR!", "[ERROR]")):
            self.errors.append(line.partition(" ")[2])


def run_playbook(
    layout: Layout, inventory: Path, playbook: str, say: Callable[[str], None]
) -> tuple[int, Path]:
    """Run a playbook of `ansible/`, for as long as it takes: an upgrade waits for running tasks.

    Parameters
    ----------
    layout : Layout
        The fleet.
    inventory : Path
        The inventory.
    playbook : str
        Its file in `ansible/`.
    say : callable
        Takes the name of each play and task when it begins.

    Returns
    -------
    tuple of int and Path
        How much it changed, and its log.

    Raises
    ------
    FleetError
        It failed: with the messages of the tasks that did.
    """
    layout.logs.mkdir(parents=True, exist_ok=True)
    log = layout.logs / f"{Path(playbook).stem}-{time.strftime('%Y%m%dT%H%M%S')}.log"
    command = [own_program("ansible-playbook"), "--inventory", str(inventory.resolve()), playbook]
    # The machines are there, and whoever made them may still hold the fleet's lock. Nobody works
    # on a fleet that is not up, so that its nodes need not be done one after the other.
    command += ["--extra-vars", '{"fleet_machines_command": [], "fleet_serial": "100%"}']
    reader = Reader(say)
    process = subprocess.Popen(
        command,
        cwd=ANSIBLE,
        env={**os.environ, **environment(layout.name)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # So that ending it ends its workers and their connections too.
        start_new_session=True,
    )
    try:
        with log.open("w") as copy:
            reader.read(_copied(process.stdout, copy))
        status = process.wait()
    except BaseException:
        say(f"ending {playbook}; its log: {log}")
        _end(process)
        raise
    if status != 0:
        raise FleetError(
            f"{playbook} failed ({status})",
            where="\n       ".join([*_shown(reader), f"log: {log}"]),
            mend="mend what the messages name, then run the same command again",
        )
    return reader.changed, log


def environment(name: str) -> dict[str, str]:
    """Variables under which Ansible works on the local fleet of this name."""
    return {
        "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        # One line for each result, whatever the configuration prefers for people.
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "FLEET_LOCAL_NAME": name,
        "PYTHONUNBUFFERED": "1",
    }


def _end(process: subprocess.Popen) -> None:
    """End a playbook and all that it started: kindly, then for good."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)


def _copied(lines: Iterable[str], copy) -> Iterable[str]:
    for line in lines:
        copy.write(line)
        copy.flush()
        yield line


def _shown(reader: Reader) -> list[str]:
    found = reader.failures or reader.errors or ["no task said why"]
    more = len(found) - _SHOWN_FAILURES
    return found[:_SHOWN_FAILURES] + ([f"and {more} more"] if more > 0 else [])


def _message(result: str) -> str:
    try:
        said = json.loads(result)
    except json.JSONDecodeError:
        return result[:500]
    message = said.get("msg") or said.get("stderr") or said.get("reason") or result[:500]
    details = said.get("stderr", "")
    if details and details not in str(message):
        message = f"{message}: {details.strip()}"
    return " ".join(str(message).split())[:800]
