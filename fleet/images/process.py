"""Running the programs of a build: their output in a log, its end shown when they fail."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from fleet.errors import FleetError

_TAIL_LINES = 20
_LINE_LENGTH = 160


class Programs:
    """The programs that are running, so that all can be ended when one fails."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._ended = False

    def run(
        self,
        command: Sequence[str],
        *,
        log: Path,
        what: str,
        mend: str = "",
        env: Mapping[str, str] | None = None,
        stdin: IO[bytes] | None = None,
    ) -> None:
        """Run a program to its end.

        Parameters
        ----------
        command : sequence of str
            Program and arguments.
        log : Path
            Its output is appended here.
        what, mend : str
            What the failure is called, and what to do about it.
        env : mapping, optional
            Added to this process's environment.
        stdin : file, optional
            What it reads; nothing by default.

        Raises
        ------
        FleetError
            The program is missing or failed; with the end of what it wrote.
        """
        start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            with self._lock:
                if self._ended:
                    raise Stopped
                try:
                    process = subprocess.Popen(
                        command,
                        stdin=stdin or subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        env={**os.environ, **(env or {})},
                        # So that ending it ends what it started too.
                        start_new_session=True,
                    )
                except FileNotFoundError as error:
                    raise FleetError(
                        f"{what}: {command[0]} is not installed", mend=f"install {command[0]}"
                    ) from error
                self._running.add(process)
            try:
                status = process.wait()
            finally:
                self._running.discard(process)
        if status == 0:
            return
        if self._ended:
            raise Stopped
        with log.open("rb") as output:
            output.seek(start)
            tail = output.read().decode(errors="replace").splitlines()[-_TAIL_LINES:]
        told = "\n".join(f"   | {line[:_LINE_LENGTH]}" for line in tail)
        raise FleetError(f"{what}; the end of its log:\n{told}", where=str(log), mend=mend)

    def end(self) -> None:
        """End all that run, and let no other begin."""
        with self._lock:
            self._ended = True
            for process in self._running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)


class Stopped(Exception):
    """A program was ended because something else had failed."""
