"""How the agent watches a task's process, and tells the server of its end.

Whatever goes wrong with the watching, the task is either ended and put back, or left for the
slot's next agent to find: it never stays in progress with nobody who knows of it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from time import sleep
from typing import Any

from clearml_agent.commands import Worker
from clearml_agent.commands.worker import TaskStopReason

from fleet_agent.custody import Custody
from fleet_agent.drain import Drain, PutBack
from fleet_agent.engine import EngineAway
from fleet_agent.in_hand import Records
from fleet_agent.outputs import Outputs
from fleet_agent.put_back import Refused
from fleet_agent.settings import Settings
from fleet_agent.task_process import TaskCommand
from fleet_agent.task_start import Waiting

RUNNING = "in_progress"
# Beside the agent's own reasons why a task stopped: it is put back, and it is left to the slot's
# next agent.
PUT_BACK, LEFT = "put back", "left"
# How a process ends that a node ends while it goes down: by SIGKILL or SIGTERM.
SIGNALLED = {-9, -15, 137, 143}
GOING_DOWN_SECONDS = 3
_STATUS = ("status", "status_message", "last_worker")
#: Wakes at the end of the process that is watched.
WAITING = Waiting()


@dataclass(frozen=True)
class Lost:
    """Why a task stopped that its agent could not start, or could not watch."""

    why: str


class WatchingWorker(Worker):
    """A worker that loses no task by watching it.

    Parameters
    ----------
    drain : Drain
        When it shall leave.
    settings : Settings
        Where it keeps things.
    **arguments
        What the agent's own parser gives.
    """

    def __init__(self, drain: Drain, settings: Settings, **arguments: Any) -> None:
        self._drain = drain
        self._outputs = Outputs(settings.keep)
        self._custody = Custody(Records(settings.keep), self._call, self._log_line)
        self._services: dict[str, Any] = {}
        super().__init__(**arguments)

    def _say_state(self) -> Any:
        """Called at each look at a task: what the agent is doing may have to be told."""

    def handle_task_termination(
        self, task_id: str, exit_code: int | None, stop_reason: Any, session: Any = None
    ) -> None:
        """Tell the server how a task ended, until it knows."""
        if stop_reason == LEFT:
            print(f"Task {task_id} is left to the slot's next agent", flush=True)
            self._custody.let_be(task_id)
            return
        is_lost = isinstance(stop_reason, Lost)
        why = self._drain.cut if stop_reason == PUT_BACK else ""
        if is_lost:
            why = stop_reason.why
        elif stop_reason == TaskStopReason.no_stop:
            why, is_lost = self._taken_down(task_id, exit_code)
        if why:
            self._custody.give_back(task_id, why, self.worker_id, is_lost=is_lost)
            return
        super().handle_task_termination(task_id, exit_code, stop_reason, session=session)
        if stop_reason not in (TaskStopReason.no_stop, TaskStopReason.stopped):
            return
        while self._still_runs(task_id):
            if self._drain.cut:  # the slot's next agent finds the container, and tells its end
                self._custody.let_be(task_id)
                return
            sleep(self._polling_interval)
            super().handle_task_termination(task_id, exit_code, stop_reason, session=session)

    def _taken_down(self, task: str, exit_code: int | None) -> tuple[str, bool]:
        """Why a task ended that something ended while its agent leaves, and whether it is lost.

        Empty for any other end. A node that goes down ends all its containers at once: the
        agent's signal may come a moment after the task's.
        """
        process = self._custody.process(task)
        if exit_code not in SIGNALLED or process is None or process.out_of_memory:
            return "", False
        end = time.monotonic() + GOING_DOWN_SECONDS
        while True:
            if self._drain.cut or self._drain.told_within(GOING_DOWN_SECONDS):
                return "its node ended it while going down", False
            if time.monotonic() > end:
                break
            sleep(0.1)
        if self._drain.asked:
            return "something ended it from outside while its agent waited for it", True
        return "", False

    def _still_runs(self, task: str) -> bool:
        try:
            return self._read_task(task).get("status") == RUNNING
        except Exception as error:
            print(f"The end of task {task} is not known to the server yet: {error}", flush=True)
            return True

    def _log_command_output(self, task_id: str, cmd: Any, *args: Any, **kwargs: Any) -> Any:
        # A signal to the agent's process group must not reach the task.
        kwargs["start_new_session"] = True
        command = None
        try:
            command = self._custody.watch(
                task_id, list(cmd), self._look, WAITING.watch, self._drain.uncut
            )
            with self._drain.cuttable():
                status, reason = super()._log_command_output(task_id, command, *args, **kwargs)
        except PutBack:
            self._custody.wish([task_id], self._drain.cut)
            return self._end(command, PUT_BACK)
        except Exception as error:
            return self._end(command, Lost(_why_lost(command, str(error))))
        # The stock agent says so of any error of its own, too; then the task still runs.
        if reason == TaskStopReason.exception and self._still_runs(task_id):
            return self._end(command, Lost(_why_lost(command, "an error of its agent's")))
        if self._services_mode and reason is None:
            self._services[task_id] = command.process
            # From now on the service itself tells the server what it prints.
            command.process.discard_output()
            self._outputs.remove(kwargs.get("stdout_path"))
        return status, reason

    def _look(self) -> None:
        """What is done at each look at a task's process."""
        self._drain.cut_now()
        self._say_state()

    @staticmethod
    def _end(command: TaskCommand | None, reason: Any) -> tuple[int | None, Any]:
        """End a task, unless it has ended by itself: its status, and why it stopped."""
        if command is None or command.process is None:
            return None, reason
        try:
            status = command.process.end()
        except EngineAway as away:
            print(f"Docker's engine does not answer, and the task may run on: {away}", flush=True)
            return None, LEFT
        return (None, reason) if status is None else (status, TaskStopReason.no_stop)

    def _read_task(self, task: str, *fields: str) -> dict[str, Any]:
        """A task's status, or other fields; nothing when the server does not know it."""
        wanted = fields or _STATUS
        answer = self._call("tasks.get_all", id=[task], only_fields=wanted, search_hidden=True)
        return next(iter(answer["tasks"]), {})

    def _call(self, endpoint: str, **data: Any) -> dict[str, Any]:
        service, action = endpoint.split(".")
        answer = self._session.send_request(
            service=service, action=action, method="post", json=data
        )
        if not answer.ok:
            raise Refused(f"{endpoint}: {answer.status_code} {answer.text[:300]}")
        return answer.json()["data"]

    def _log_line(self, task: str, text: str) -> None:
        self.send_logs(task, [f"{text}\n"], level="INFO")


def _why_lost(command: TaskCommand | None, error: str) -> str:
    if command is None or command.process is None:
        return f"it could not be started: {(command and command.trouble) or error}"
    return f"its agent could not watch it: {error}"
