"""The real agent's worker, with the few seams where a drain and fast starts need it to differ."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from types import FrameType
from typing import Any

import psutil
from clearml_agent.commands import Worker
from clearml_agent.errors import APIError

from fleet_agent.drain import Drain
from fleet_agent.health import Health
from fleet_agent.queues import FIELDS, read_queues

# A server that is away must not keep a drained agent from leaving.
UNREGISTER_SECONDS = 5


class FleetWorker(Worker):
    """A `clearml-agent daemon` that drains on SIGTERM and polls with one request.

    Parameters
    ----------
    drain : Drain
        Already installed, or installed here.
    **arguments
        What the agent's own parser gives.
    """

    def __init__(self, drain: Drain, **arguments: Any) -> None:
        self._drain = drain
        self._health = Health(Path(os.environ.get("FLEET_AGENT_STATE", "/run/fleet-agent")))
        super().__init__(**arguments)

    def register_signal_handler(self) -> None:
        """Drain on SIGTERM, where the agent itself would end its task."""
        self._drain.install()

    def new_monitor(self, *args: Any, **kwargs: Any) -> Any:
        """Report at once: the stock monitor first does after three seconds.

        The registration says neither image nor group; the worker's tags, which every report
        carries, do. An agent that polls, and so is healthy, has said what it is.
        """
        monitor = super().new_monitor(*args, **kwargs)
        monitor.send_report()
        return monitor

    def run_tasks_loop(self, *args: Any, **kwargs: Any) -> Any:
        """Poll without the two lines a poll that a foreground agent prints."""
        self._daemon_foreground = False
        return super().run_tasks_loop(*args, **kwargs)

    def get_worker_properties(
        self, queue_ids: Sequence[str]
    ) -> tuple[dict[str, dict[str, Any]], Any]:
        """The state of the queues; the loop calls this first in each round, with no task in hand.

        Raises
        ------
        Drained
            A drain was asked for and everything that ran is over.
        QueuesGone
            The server no longer knows one of the queues.
        """
        self._let_go()
        result = self._session.send_request(
            service="queues",
            action="get_all",
            method="post",
            json={"id": list(queue_ids), "only_fields": list(FIELDS)},
        )
        if not result.ok:
            raise APIError(result)
        queues = read_queues(result.json()["data"]["queues"], queue_ids)
        self._health.polled()
        return queues, self.get_runtime_properties()

    def should_be_currently_active(
        self, current_queue: dict[str, Any], runtime_properties: Any
    ) -> bool:
        """Whether to ask this queue for a task now; the loop calls this right before it does."""
        return (
            current_queue["waiting"]
            and super().should_be_currently_active(current_queue, runtime_properties)
            and self._drain.hold()
        )

    def run_one_task(self, *args: Any, **kwargs: Any) -> Any:
        """Run a task, healthy for as long as it takes."""
        with self._health.busy():
            return super().run_one_task(*args, **kwargs)

    def _let_go(self) -> None:
        """End the stretch in which signals wait, unless services still run beside the loop."""
        while self._services_mode and _children():
            if not self._drain.asked:
                return
            sleep(1)
        self._drain.release()

    def _log_command_output(self, *args: Any, **kwargs: Any) -> Any:
        # A signal to the agent's process group must not reach the task.
        return super()._log_command_output(*args, start_new_session=True, **kwargs)

    def _get_docker_cmd(self, *args: Any, **kwargs: Any) -> list[str]:
        # The images hold all that a task needs. Only the start script is the standalone one:
        # an `execute --standalone-mode` would not clone the step code. A task's own set-up script
        # does not run: it would, before the step code could refuse the task for having one.
        given = {**kwargs, "standalone_mode": True, "docker_bash_setup_script": None}
        return super()._get_docker_cmd(*args, **given)

    def _unregister(self, *args: Any, **kwargs: Any) -> None:
        try:
            with _time_limit(UNREGISTER_SECONDS):
                super()._unregister(*args, **kwargs)
        except _TimeUp:
            print("The server did not answer in time: it will notice the absence itself")


class _TimeUp(BaseException):
    """Not an `Exception`, which the HTTP client would take for a reason to try again."""


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _TimeUp

    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def _children() -> list[psutil.Process]:
    """Processes that this one started and that have not ended."""
    return [
        child
        for child in psutil.Process().children()
        if child.is_running() and child.status() != psutil.STATUS_ZOMBIE
    ]
