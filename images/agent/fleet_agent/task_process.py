"""The process of a task, as the agent's own loop watches it.

In docker mode what the loop would watch is a client of the engine's, which dies with the engine's
connection while the container may go on. So the container is what counts here: a client that
ended early is followed by another one.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import psutil

from fleet_agent.engine import (
    ENDED_BY_OTHERS,
    ContainerState,
    EngineAway,
    read_container,
    remove_container,
)

# What a container printed, from a byte on. A log that was rotated away goes on where it is now.
_FOLLOW = """
held=$(docker logs "$0" 2>&1 | wc -c)
if [ "$held" -lt "$1" ]; then from=$held; else from=$1; fi
docker logs --follow "$0" 2>&1 | tail -c "+$((from + 1))"
"""
_SECONDS_TO_END = 10
# How long an engine that does not answer is waited for where a task shall end.
ENGINE_SECONDS = 30


class TaskCommand:
    """A command of the agent's, with what the agent's loop calls of it.

    Parameters
    ----------
    words : sequence of str
        The command line; empty where a container is there already.
    tick : callable
        Called at each look at the process.
    started : callable
        Called with each process that stands for the task: its own, or a client of the engine's.
    container : str
        A container that runs already; otherwise its name is taken from the command line.
    forwarded : int
        How many bytes of what that container printed are known to the server.
    starting : callable
        What it gives is entered while the process is started.
    """

    def __init__(
        self,
        words: list[str],
        tick: Callable[[], Any],
        started: Callable[[subprocess.Popen], Any],
        *,
        container: str = "",
        forwarded: int = 0,
        starting: Callable[[], AbstractContextManager] = contextlib.nullcontext,
    ) -> None:
        self._starting = starting
        self._tick = tick
        self._started = started
        self._forwarded = forwarded
        self._words, self.container = (words, container) if container else _named(words)
        self.process: TaskProcess | ContainerProcess | None = None
        self.trouble = ""  # why it could not be started

    def call_subprocess(self, start: Callable[..., subprocess.Popen], **options: Any) -> Any:
        """Start the process, as the agent's own command does."""
        with self._starting():
            try:
                self.process = self._start(start, options)
            except Exception as error:
                self.trouble = str(error)
                raise
        return self.process

    def _start(
        self, start: Callable[..., subprocess.Popen], options: dict[str, Any]
    ) -> TaskProcess | ContainerProcess:
        if not self.container:
            process = start(self._words, **options)
            self._started(process)
            return TaskProcess(process, self._tick)
        client = start(self._words, **options) if self._words else None
        return ContainerProcess(
            self.container,
            client,
            self._tick,
            self._started,
            options.get("stdout"),
            self._forwarded,
        )


class TaskProcess:
    """As much of a `Popen` as the agent's loop uses.

    Parameters
    ----------
    process : Popen
        What is watched.
    tick : callable
        Called at each look.
    """

    def __init__(self, process: subprocess.Popen, tick: Callable[[], Any]) -> None:
        self._process = process
        self._tick = tick

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def out_of_memory(self) -> bool:
        """Whether it ended for want of memory, where anybody knows."""
        return False

    def poll(self) -> int | None:
        """The exit status; None while the process runs."""
        self._tick()
        return self._process.poll()

    def forwarded(self) -> int:
        """How much of what was printed had been there at the last look."""
        return 0

    def discard_output(self) -> None:
        """Nobody reads any more what is printed; its file goes with the process."""

    def end(self) -> int | None:
        """End it now; the exit status of one that had ended by itself, None otherwise."""
        status = self._process.poll()
        if status is None:
            _kill(self._process)
        return None if status in ENDED_BY_OTHERS else status


class ContainerProcess:
    """A task's container, for as long as it lives: the same as `TaskProcess`.

    Parameters
    ----------
    name : str
        The container's.
    client : Popen or None
        The `docker run` that makes it; None where it is there already.
    tick : callable
        Called at each look.
    started : callable
        Called with each client.
    output : file
        Where its output goes.
    skip : int
        How many bytes of its output went elsewhere before.
    """

    def __init__(
        self,
        name: str,
        client: subprocess.Popen | None,
        tick: Callable[[], Any],
        started: Callable[[subprocess.Popen], Any],
        output: Any,
        skip: int = 0,
    ) -> None:
        self._name = name
        self._is_run = client is not None
        self._tick = tick
        self._started = started
        self._output = output
        self._skip = skip
        self._seen = skip
        self._is_discarded = False
        self._state: ContainerState | None = None
        self._is_away = False
        self._client = client or self._follow()
        started(self._client)

    @property
    def pid(self) -> int:
        """The id of the client's process: what the agent ends with the task."""
        return self._client.pid

    @property
    def out_of_memory(self) -> bool:
        """Whether the container ended for want of memory."""
        return self._state is not None and self._state.out_of_memory

    def poll(self) -> int | None:
        """The container's exit status; None while it runs, or while nobody can say."""
        self._tick()
        if self._is_discarded:
            os.ftruncate(self._output.fileno(), 0)
        else:
            self._seen = self._skip + self._printed()
        status = self._client.poll()
        if status is None:
            return None
        if status == 0 and self._is_run:
            return 0  # the engine's own word; any other status may be the client's
        try:
            self._state = read_container(self._name)
        except EngineAway as away:
            if not self._is_away:
                self._say(f"Docker's engine does not answer, the task is waited for: {away}")
            self._is_away = True
            return None
        if self._state is None:
            return status if self._is_run else 255
        if self._state.is_alive:
            self._say("Docker's engine is back, and the task still runs")
            self._is_away = self._is_run = False
            self._client = self._follow()
            self._started(self._client)
            return None
        return status if self._state.status == "created" else self._state.exit_code

    def forwarded(self) -> int:
        """How much of what was printed had been there at the last look."""
        return self._seen

    def discard_output(self) -> None:
        """Nobody reads any more what is printed: keep none of it."""
        self._is_discarded = self._output is not None

    def end(self) -> int | None:
        """End it now; the exit status of one that had ended by itself, None otherwise.

        Raises
        ------
        EngineAway
            The container may run on: nobody could say within `ENGINE_SECONDS`.
        """
        _kill(self._client)
        end = time.monotonic() + ENGINE_SECONDS
        while True:
            try:
                return self._end_container()
            except EngineAway:
                if time.monotonic() > end:
                    raise
            time.sleep(1)

    def _end_container(self) -> int | None:
        state = read_container(self._name)
        if state is not None and state.has_ended_itself:
            return state.exit_code
        # A client that was killed may have asked the engine for it only just now.
        for _ in range(2 if state is None else 1):
            if not remove_container(self._name):
                raise EngineAway(f"the container {self._name} could not be removed")
        return None

    def _follow(self) -> subprocess.Popen:
        begin = str(self._skip + self._printed())
        command = ["sh", "-c", _FOLLOW, self._name, begin]
        return subprocess.Popen(
            command,
            stdout=self._output or subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _printed(self) -> int:
        return os.fstat(self._output.fileno()).st_size if self._output else 0

    def _say(self, text: str) -> None:
        print(f"{self._name}: {text}", flush=True)


def _named(words: list[str]) -> tuple[list[str], str]:
    """A `docker run` whose container has a name and stays until it was looked at; and that name."""
    if words[:2] != ["docker", "run"]:
        return words, ""
    kept = [word for word in words if word != "--rm"]
    if "--name" in kept:
        return kept, kept[kept.index("--name") + 1]
    name = f"fleet-{uuid.uuid4().hex}"
    return [*kept[:2], "--name", name, *kept[2:]], name


def _kill(process: subprocess.Popen) -> None:
    """Kill a process and all that it started."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    for member in [process, *family]:
        try:
            member.kill()
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
    process.wait(_SECONDS_TO_END)
