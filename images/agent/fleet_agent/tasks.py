"""How the agent runs one task: its process, its end, and its way back into the queue.

A task stays in hand until the server knows its end, whatever happens to the agent, to Docker's
engine or to the server meanwhile.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import sleep
from typing import Any

from clearml_agent.commands import Worker
from clearml_agent.commands.events import Events
from clearml_agent.commands.worker import TaskStopReason, TaskStopSignal
from clearml_agent.helper.resource_monitor import ResourceMonitor

from fleet_agent.custody import PUT_BACK_SECONDS, Custody
from fleet_agent.drain import Drain, PutBack
from fleet_agent.engine import EngineAway, read_container
from fleet_agent.health import Health
from fleet_agent.in_hand import InHand, Records
from fleet_agent.outputs import Outputs
from fleet_agent.put_back import Refused
from fleet_agent.settings import Settings
from fleet_agent.slot import Slot
from fleet_agent.task_start import Waiting
from fleet_agent.time_limit import TimeUp, time_limit

CREATED, RUNNING = "created", "in_progress"
PUT_BACK = "put back"  # beside the agent's own reasons why a task stopped
# How a process ends that a node ends while it goes down: by SIGKILL or SIGTERM.
SIGNALLED = {-9, -15, 137, 143}
GOING_DOWN_SECONDS = 3
ENDED_AT_ONCE = 16
_STATUS = ("status", "status_message", "status_reason", "last_worker")
#: Wakes at the end of the process that is watched.
WAITING = Waiting()


class TaskWorker(Worker):
    """A worker whose tasks outlive it.

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
        self._slot = Slot(settings.keep)
        self._health = Health(settings.state)
        self._outputs = Outputs(settings.keep)
        self._custody = Custody(Records(settings.keep), self._call, self._log_line)
        self._services: dict[str, Any] = {}
        super().__init__(**arguments)

    def _say_state(self) -> Any:
        """Called at each look at a task: what the agent is doing may have to be told."""

    def report_monitor(self, report: Any) -> Any:
        """Report; the loop calls this first with a task that it has taken."""
        if report.task:
            self._custody.begin(report.task, report.queue or "")
        return super().report_monitor(report)

    def run_one_task(self, queue: str, task_id: str, *args: Any, **kwargs: Any) -> Any:
        """Run a task, healthy for as long as it takes."""
        self._custody.begin(task_id, queue)
        with self._health.busy():
            self._say_state()
            try:
                return super().run_one_task(queue, task_id, *args, **kwargs)
            except Exception as error:
                why = f"it could not be started: {error}"
                self._custody.give_back(task_id, why, self.worker_id, is_lost=True)
                raise
            finally:
                if task_id not in self._services:
                    self._settle(task_id)

    def handle_task_termination(
        self, task_id: str, exit_code: int | None, stop_reason: Any, session: Any = None
    ) -> None:
        """Tell the server how a task ended, until it knows."""
        why = ""
        if stop_reason == PUT_BACK:
            why = self._drain.cut
        elif stop_reason == TaskStopReason.no_stop:
            why = self._taken_down(task_id, exit_code)
        if why:
            self._custody.give_back(task_id, why, self.worker_id)
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

    def _settle(self, task: str) -> None:
        """The task is over, and the server knows."""
        self._custody.settle(task)

    def _taken_down(self, task: str, exit_code: int | None) -> str:
        """Why a task ended that the node itself ended; empty for any other end.

        A node that goes down ends all its containers at once: the agent's signal may come a
        moment after the task's.
        """
        process = self._custody.process(task)
        if exit_code not in SIGNALLED or process is None or process.out_of_memory:
            return ""
        end = time.monotonic() + GOING_DOWN_SECONDS
        while not self._drain.asked and time.monotonic() < end:
            sleep(0.1)
        return "its node ended it while going down" if self._drain.asked else ""

    def _still_runs(self, task: str) -> bool:
        try:
            return self._read_task(task).get("status") == RUNNING
        except Exception as error:
            print(f"The end of task {task} is not known to the server yet: {error}", flush=True)
            return True

    def _take_up(self, queues: Sequence[str]) -> None:
        """See to the tasks of an agent of this slot that is gone."""
        for held in self._custody.left_behind():
            self._drain.hold()
            try:
                self._take_up_one(held, queues)
            except Exception:
                self._custody.let_be(held.task)  # for the next round
                raise

    def _take_up_one(self, held: InHand, queues: Sequence[str]) -> None:
        found = self._read_task(held.task)
        last = f"{found.get('last_worker') or self.worker_id}:"
        if held.put_back:
            self._custody.give_back(held.task, held.put_back, self.worker_id)
        elif found.get("status") == RUNNING and last.startswith(f"{self.worker_id}:"):
            if self._is_there(held):
                self._adopt(held, queues)
                return
            why = held.wished or "its container was gone when its agent came back"
            self._custody.give_back(held.task, why, self.worker_id, is_lost=not held.wished)
        self._settle(held.task)

    def _is_there(self, held: InHand) -> bool:
        """Whether a task still runs, or has ended as tasks do."""
        while held.container:
            try:
                state = read_container(held.container)
            except EngineAway as away:
                print(f"Docker's engine does not answer: {away}", flush=True)
                sleep(self._polling_interval)
                continue
            return state is not None and (state.is_alive or state.has_ended_itself)
        return False

    def _adopt(self, held: InHand, queues: Sequence[str]) -> None:
        """Go on with a task whose container outlived its agent."""
        report = ResourceMonitor.StatusReport(
            queues=queues, queue=held.queue or None, task=held.task
        )
        self.report_monitor(report)
        self._log_line(held.task, f"taken up again by {self.worker_id}: the task's agent was gone")
        if self._services_mode:
            command = self._custody.watch(held.task, [], self._say_state, lambda client: None)
            self._services[held.task] = command.call_subprocess(subprocess.Popen)
            self.report_monitor(ResourceMonitor.StatusReport(queues=queues))
            return
        signal = TaskStopSignal(
            command=self,
            session=self._session,
            events_service=self.get_service(Events),
            task_id=held.task,
        )
        with self._health.busy(), tempfile.TemporaryDirectory(dir=self._outputs.folder) as folder:
            status, reason = self._log_command_output(
                held.task, (), stdout_path=f"{folder}/output", daemon=True, stop_signal=signal
            )
            self.handle_task_termination(held.task, status, reason)
        self._settle(held.task)
        self.report_monitor(ResourceMonitor.StatusReport(queues=queues))

    def _let_go(self) -> None:
        """End the stretch in which signals wait, unless services still run beside the loop."""
        self._reap()
        if self._services and not self._drain.asked:
            return
        if self._services:
            with self._health.busy():
                self._wait_for_services()
        self._drain.release()

    def _wait_for_services(self) -> None:
        while self._services and not self._drain.cut:
            self._hand_over()
            self._say_state()
            sleep(1)
            self._reap()
        self._cut_services()

    def _hand_over(self) -> None:
        """Let a successor be the worker; the services that run stay with this agent."""
        if self._slot.has_successor:
            print("Another agent has the slot now; this one stays with its services", flush=True)
            self.stop_monitor()
            self._slot.give_up()

    def _reap(self) -> None:
        """Settle the services that are over."""
        for task, process in list(self._services.items()):
            status = process.poll()
            if status is None:
                continue
            del self._services[task]
            if self._still_runs(task):  # the agent in its container could not tell its end
                self.handle_task_termination(task, status, TaskStopReason.no_stop)
            self._settle(task)

    def _cut_services(self) -> None:
        """End all services at once: a node that goes down does not wait for one after the other."""
        services, self._services = self._services, {}
        self._custody.wish(services, self._drain.cut)
        end = time.monotonic() + PUT_BACK_SECONDS
        with ThreadPoolExecutor(max_workers=ENDED_AT_ONCE) as pool:
            statuses = dict(zip(services, pool.map(_end, services.values()), strict=True))
        for task in [task for task in services if statuses[task] is None]:
            left = end - time.monotonic()
            self._custody.give_back(task, self._drain.cut, self.worker_id, seconds=left)
            with contextlib.suppress(Refused, OSError, TimeUp), time_limit(end - time.monotonic()):
                self._call("workers.unregister", worker=f"{self.worker_id}:service:{task}")
            self._settle(task)
        for task in [task for task in services if statuses[task] is not None]:
            if self._still_runs(task):
                self.handle_task_termination(task, statuses[task], TaskStopReason.no_stop)
            self._settle(task)

    def _log_command_output(self, task_id: str, cmd: Any, *args: Any, **kwargs: Any) -> Any:
        # A signal to the agent's process group must not reach the task.
        kwargs["start_new_session"] = True
        cmd = self._custody.watch(task_id, list(cmd), self._say_state, WAITING.watch)
        try:
            with self._drain.cuttable():
                status, reason = super()._log_command_output(task_id, cmd, *args, **kwargs)
        except PutBack:
            self._custody.wish([task_id], self._drain.cut)
            status = cmd.process.end() if cmd.process else None
            return status, PUT_BACK if status is None else TaskStopReason.no_stop
        if self._services_mode and reason is None:
            self._services[task_id] = cmd.process
            # From now on the service itself tells the server what it prints.
            cmd.process.discard_output()
            self._outputs.remove(kwargs.get("stdout_path"))
        return status, reason

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


def _end(process: Any) -> int | None:
    """End a service; one that does not go is one that has not ended by itself."""
    try:
        return process.end()
    except Exception as error:
        print(f"A service could not be ended: {error}", flush=True)
        return None
