"""The tasks that an agent has in hand, and what becomes of them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from typing import Any

from fleet_agent.engine import EngineAway, read_container, remove_container
from fleet_agent.in_hand import InHand, Records
from fleet_agent.put_back import Call, Case, Log, put_back
from fleet_agent.task_process import ContainerProcess, TaskCommand, TaskProcess
from fleet_agent.time_limit import TimeUp, time_limit

# A server that is away must not keep a node from going down; what is written down is put back by
# the slot's next agent. It is the time of all tasks of an agent together.
PUT_BACK_SECONDS = 60
# How long another agent of the slot may take to end a run that it is asked to end. One that does
# not do so has its container taken away, and as long again to see that. Both are less than what
# others take a task for one that nobody has.
END_SECONDS = 30
_LOOK_SECONDS = 0.5


class Custody:
    """Tasks from when they are taken until nobody can lose them any more.

    Parameters
    ----------
    records : Records
        Where they are written down.
    call : callable
        `call(endpoint, **data)`: a request to the server.
    log : callable
        `log(task, text)`: a line of a task's log.
    """

    def __init__(self, records: Records, call: Call, log: Log) -> None:
        self._records = records
        self._call = call
        self._log = log
        self._held: dict[str, InHand] = {}
        self._unwritten: list[InHand] = []
        self._commands: dict[str, TaskCommand] = {}

    @property
    def tasks(self) -> list[str]:
        """The ids of the tasks in hand."""
        return list(self._held)

    def begin(self, task: str, queue: str) -> None:
        """A task was taken.

        Raises
        ------
        OSError
            That cannot be written down; the task is in hand all the same, for as long as this
            agent lives.
        """
        if task in self._held:
            return
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._held[task] = InHand(task, queue, now)
        self._held[task] = self._records.begin(task, queue, now)

    def left_behind(self) -> Iterator[InHand]:
        """The tasks of agents that are gone; each is in hand now.

        Of a run that is over there is no more to do than to remove its container.
        """
        unwritten, self._unwritten = self._unwritten, []
        for held in chain(unwritten, self._records.left_behind()):
            if held.is_over or held.task in self._held:
                _clear(held)
                continue
            self._held[held.task] = held
            yield held

    def end_others(self, task: str) -> bool:
        """End the runs of a task that other agents of the slot have, or have left.

        Parameters
        ----------
        task : str
            Its id; a run that this agent has begun goes on.

        Returns
        -------
        bool
            Whether there is none.
        """
        own = self._held[task].file if task in self._held else None
        begun = time.monotonic()
        while others := [one for one in self._records.runs(task, but=own) if not _is_ended(one)]:
            passed = time.monotonic() - begun
            if passed > 2 * END_SECONDS:
                return False
            for other in others:
                other.ask_end()
                if passed > END_SECONDS and other.container:
                    remove_container(other.container)
            time.sleep(_LOOK_SECONDS)
        return True

    def is_unwanted(self, task: str) -> bool:
        """Whether the slot's new agent has a task for another run, and asks for this one's end."""
        held = self._held.get(task)
        return held is not None and held.is_unwanted

    def watch(
        self,
        task: str,
        words: list[str],
        tick: Callable[[], Any],
        started: Callable[[subprocess.Popen], Any],
        starting: Callable[[], AbstractContextManager] = nullcontext,
    ) -> TaskCommand:
        """The command of a task that is to be started, or taken up where there are no words.

        Parameters
        ----------
        task : str
            Its id.
        words : list of str
            The command line.
        tick : callable
            Called at each look at the process.
        started : callable
            Called with each process that stands for the task.
        starting : callable
            What it gives is entered while the process is started.

        Raises
        ------
        OSError
            The name of its container cannot be written down.
        """

        def look() -> None:
            nonlocal said
            try:
                tick()
            except Exception as error:  # what is told of the task must not end it
                if str(error) != said:
                    print(f"While task {task} runs: {error}", flush=True)
                said = str(error)
            process = command.process
            if process and held and process.forwarded() != held.forwarded:
                held.note(forwarded=process.forwarded())

        said = ""

        held = self._held.get(task)
        if held is not None and not words:
            command = TaskCommand(
                [],
                look,
                started,
                container=held.container,
                forwarded=held.forwarded,
                starting=starting,
            )
        else:
            command = TaskCommand(words, look, started, starting=starting)
            if held is not None and command.container:
                held.write(container=command.container)
        self._commands[task] = command
        return command

    def command(self, task: str) -> TaskCommand | None:
        """The command of a task; None before it has one."""
        return self._commands.get(task)

    def process(self, task: str) -> TaskProcess | ContainerProcess | None:
        """The process of a task; None before it has one."""
        command = self._commands.get(task)
        return command.process if command else None

    def is_unstarted(self, task: str) -> bool:
        """Whether a task is in hand that never had a process, and is not being put back."""
        held = self._held.get(task)
        return held is not None and not held.put_back and self.process(task) is None

    def wish(self, tasks: Iterable[str], why: str) -> None:
        """Note that tasks shall be put back: what this agent cannot do, the next one does."""
        for held in filter(None, map(self._held.get, tasks)):
            held.note(wished=why)

    def give_back(
        self,
        task: str,
        why: str,
        worker: str,
        *,
        is_lost: bool = False,
        seconds: float = PUT_BACK_SECONDS,
    ) -> bool:
        """Put a task back, and say so; no longer than so many seconds.

        Returns
        -------
        bool
            Whether it is done; otherwise the slot's next agent does it.
        """
        held = self._held.get(task)
        if held is None:
            return False
        if held.put_back:  # begun before, and not finished
            is_resumed, why = True, held.put_back
        else:
            is_resumed = False
            held.note(put_back=why, is_lost=is_lost)
        case = Case(
            task,
            held.queue,
            why,
            worker,
            is_lost=held.is_lost,
            is_resumed=is_resumed,
            is_counted=held.is_counted,
            is_withdrawn=held.is_withdrawn,
        )
        try:
            with time_limit(seconds):
                done = put_back(self._call, self._log, case, held.note)
        except (Exception, TimeUp) as error:
            print(f"Task {task} is not put back yet, the slot's next agent does it: {error}")
            self.let_be(task)
            return False
        print(f"Task {task}: {done}, because {why}", flush=True)
        return True

    def let_be(self, task: str) -> None:
        """Leave a task and what is written of it to the next look at what was left behind."""
        self._commands.pop(task, None)
        held = self._held.pop(task, None)
        if held is None:
            return
        if held.file is None:  # nobody else can know of it
            self._unwritten.append(held)
        held.release()

    def settle(self, task: str) -> None:
        """A task is over: the server knows its end, and nothing of it is left on the node."""
        self._commands.pop(task, None)
        held = self._held.pop(task, None)
        if held is not None:
            _clear(held)


def _is_ended(held: InHand) -> bool:
    """End a run that no other agent has; whether nothing of it runs."""
    if not held.is_ours:
        return False
    _clear(held)
    try:
        state = read_container(held.container) if held.container else None
    except EngineAway:
        return False
    return state is None or not state.is_alive


def _clear(held: InHand) -> None:
    """Remove the container of a run that is over; where that fails, somebody tries again later."""
    if held.container and not remove_container(held.container):
        if not held.is_over:
            print(f"The container {held.container} could not be removed yet", flush=True)
        held.note(is_over=True)
        held.release()
        return
    held.drop()
