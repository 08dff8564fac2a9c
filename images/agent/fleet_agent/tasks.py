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

from clearml_agent.commands import worker as stock
from clearml_agent.commands.events import Events
from clearml_agent.commands.worker import TaskStopReason, TaskStopSignal
from clearml_agent.helper.resource_monitor import ResourceMonitor

from fleet_agent.custody import PUT_BACK_SECONDS
from fleet_agent.drain import Drain
from fleet_agent.engine import EngineAway, read_container
from fleet_agent.health import Health
from fleet_agent.in_hand import InHand
from fleet_agent.orphans import Orphans
from fleet_agent.put_back import Case, Refused, is_worker, put_back
from fleet_agent.settings import Settings
from fleet_agent.slot import Slot
from fleet_agent.time_limit import TimeUp, time_limit
from fleet_agent.watch import LEFT, RUNNING, Lost, WatchingWorker

CREATED, QUEUED = "created", "queued"
STILL_RUNS = "its earlier run is still there, and cannot be ended"
ENDED_AT_ONCE = 16
_get_next_task = stock.get_next_task


class TaskWorker(WatchingWorker):
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
        self._slot = Slot(settings.keep)
        self._health = Health(settings.state)
        self._orphans = Orphans(self._call)
        stock.get_next_task = self._get_next_task
        super().__init__(drain, settings, **arguments)

    def run_one_task(self, queue: str, task_id: str, *args: Any, **kwargs: Any) -> Any:
        """Run a task, healthy for as long as it takes."""
        try:
            with self._health.busy():
                self._custody.begin(task_id, queue)
                self._say_state()
                return super().run_one_task(queue, task_id, *args, **kwargs)
        except Exception as error:
            status, reason = self._end(
                self._custody.command(task_id), Lost(f"its agent had an error: {error}")
            )
            self.handle_task_termination(task_id, status, reason)
            raise
        finally:
            if task_id not in self._services:
                self._give_back_unstarted(task_id)
                self._settle(task_id)

    def _get_next_task(self, session: Any, queue: str, **options: Any) -> dict[str, Any]:
        """Take a task, and write it down before anything else is done: no queue holds it now."""
        answer = _get_next_task(session, queue, **options)
        task = (answer.get("entry") or {}).get("task")
        if task and not self._take(task, queue):
            return {}
        return answer

    def _take(self, task: str, queue: str) -> bool:
        """Begin with a task; whether this agent can have it."""
        self._end_earlier(task)
        try:
            self._custody.begin(task, queue)
        except OSError as error:
            why = f"its agent could not write down that it has it: {error}"
            if self._custody.give_back(task, why, self.worker_id):
                self._custody.settle(task)
            return False
        if not self._end_elsewhere(task):
            if self._custody.give_back(task, STILL_RUNS, self.worker_id, is_lost=True):
                self._custody.settle(task)
            return False
        return True

    def _end_elsewhere(self, task: str) -> bool:
        """End an earlier run that the slot's old agent stays with; whether there is none."""
        with self._health.busy():
            return self._custody.end_others(task)

    def _end_earlier(self, task: str) -> None:
        """End what is left of an earlier run: whoever enqueues a task anew has done with it."""
        process = self._services.pop(task, None)
        if process is not None:
            with contextlib.suppress(EngineAway):
                process.end()
        self._custody.settle(task)

    def _give_back_unstarted(self, task: str) -> None:
        """Give a task back that the stock agent took and, for an error, did not start."""
        if self._custody.is_unstarted(task):
            why = "its agent could not start it"
            self._custody.give_back(task, why, self.worker_id, is_lost=True)

    def _settle(self, task: str) -> None:
        """The task is over, and the server knows."""
        self._custody.settle(task)

    def _take_up(self, queues: Sequence[str]) -> None:
        """See to the tasks that an agent of this slot left, and to those that nobody has."""
        for task in self._custody.tasks:
            if task not in self._services:  # an error came between its taking and its start
                self._drain.hold()
                self._give_back_unstarted(task)
                self._settle(task)
        for held in self._custody.left_behind():
            self._drain.hold()
            try:
                self._take_up_one(held, queues)
            except Exception:
                self._custody.let_be(held.task)  # for the next round
                raise
        try:
            self._take_up_orphans(queues)
        except Exception as error:  # what this agent has is not to wait for it
            print(f"Tasks that nobody has could not be looked for: {error}", flush=True)

    def _take_up_orphans(self, queues: Sequence[str]) -> None:
        for task, queue in self._orphans.look(queues):
            self._drain.hold()
            why = "its agent was gone before it wrote the task down"
            case = Case(task, queue, why, self.worker_id, is_lost=True)
            done = put_back(self._call, self._log_line, case)
            print(f"Task {task}: {done}, because {why}", flush=True)

    def _take_up_one(self, held: InHand, queues: Sequence[str]) -> None:
        found = self._read_task(held.task)
        status = found.get("status")
        if held.put_back:
            self._custody.give_back(held.task, held.put_back, self.worker_id)
        elif status == QUEUED:
            why = "its agent was gone before it started it"
            self._custody.give_back(held.task, why, self.worker_id, is_lost=True)
        elif status == RUNNING and is_worker(found, self.worker_id):
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
            self._end_unwanted()
        self._cut_services()

    def _hand_over(self) -> None:
        """Let a successor be the worker; the services that run stay with this agent."""
        if self._slot.has_successor:
            print("Another agent has the slot now; this one stays with its services", flush=True)
            self.stop_monitor()
            self._slot.give_up()

    def _end_unwanted(self) -> None:
        """End the services whose tasks were enqueued anew, and that the new agent has now."""
        for task in filter(self._custody.is_unwanted, list(self._services)):
            if _end(self._services[task]) == LEFT:  # it is tried again
                continue
            print(f"Task {task}: ended, because it was enqueued anew", flush=True)
            del self._services[task]
            self._settle(task)

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
        for task in [task for task in services if statuses[task] == LEFT]:
            self._custody.let_be(task)
            del statuses[task]
        for task in [task for task in statuses if statuses[task] is None]:
            left = end - time.monotonic()
            if not self._custody.is_unwanted(task):
                self._custody.give_back(task, self._drain.cut, self.worker_id, seconds=left)
            with contextlib.suppress(Refused, OSError, TimeUp), time_limit(end - time.monotonic()):
                self._call("workers.unregister", worker=f"{self.worker_id}:service:{task}")
            self._settle(task)
        for task in [task for task in statuses if statuses[task] is not None]:
            if self._still_runs(task):
                self.handle_task_termination(task, statuses[task], TaskStopReason.no_stop)
            self._settle(task)


def _end(process: Any) -> Any:
    """End a service: its status where it had ended by itself, `LEFT` where it may run on."""
    try:
        return process.end()
    except Exception as error:
        print(f"A service could not be ended: {error}", flush=True)
        return LEFT
