"""The real agent's worker, with the few seams where a drain and fast starts need it to differ."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clearml_agent.commands import worker as stock
from clearml_agent.errors import APIError
from clearml_agent.helper.resource_monitor import ResourceMonitor

from fleet_agent.asked import Asked
from fleet_agent.configurations import Configurations
from fleet_agent.drain import Drain
from fleet_agent.handed import Handed
from fleet_agent.queues import FIELDS, read_queues
from fleet_agent.reports import Reports
from fleet_agent.room import check_room
from fleet_agent.settings import Settings
from fleet_agent.state import STANDING_BY, SUCCESSOR_TAG, TAGS, StateFile, name_state
from fleet_agent.task_start import QuickStart
from fleet_agent.task_user import TaskUser
from fleet_agent.tasks import CREATED, STILL_RUNS, TaskWorker
from fleet_agent.time_limit import TimeUp, time_limit
from fleet_agent.watch import WAITING
from fleet_agent.wishes import Wishes

# A server that is away must not keep a drained agent from leaving.
UNREGISTER_SECONDS = 5
# The loop that watches a task sleeps between its looks: it wakes when the task ends.
stock.sleep = WAITING.sleep


class FleetWorker(TaskWorker):
    """A `clearml-agent daemon` that drains on SIGTERM and polls with one request.

    Parameters
    ----------
    drain : Drain
        Already installed, or installed here.
    settings : Settings
        Where it keeps things.
    **arguments
        What the agent's own parser gives.
    """

    def __init__(self, drain: Drain, settings: Settings, **arguments: Any) -> None:
        self._handed = Handed(settings.state / "handed")
        self._wishes = Wishes(settings.wishes)
        self._rooms = [folder for folder in (settings.keep, Path(tempfile.gettempdir())) if folder]
        self._lacks = ""  # why nothing can be written on the node
        self._tags = settings.tags
        self._tags_said: tuple[str, ...] | None = None
        self._params: Any = None
        self._asked = Asked()
        self._asked.install()
        host_mount = os.environ.get("CLEARML_AGENT_DOCKER_HOST_MOUNT")
        self._quick_start = QuickStart(host_mount)
        self._task_user = TaskUser(settings.task_user, host_mount)
        self._configurations = Configurations(host_mount)
        super().__init__(drain, settings, **arguments)
        self._state = StateFile(settings.state, self.worker_id, settings.tags)

    def register_signal_handler(self) -> None:
        """Drain on SIGTERM, where the agent itself would end its task."""
        self._drain.install()

    def _singleton(self, *args: Any, **kwargs: Any) -> None:
        # The last thing before the agent registers: all that may take time is done.
        self._slot.take(self._stand_by)
        self._outputs.clear()
        self._health.at_work()
        super()._singleton(*args, **kwargs)

    def _stand_by(self) -> None:
        print("Standing by: another agent has the slot", flush=True)
        self._state.say(STANDING_BY)
        self._health.stands_by()

    def new_monitor(self, *args: Any, **kwargs: Any) -> Any:
        """Report at once: the stock monitor first does after three seconds.

        The registration says neither image nor group; the worker's tags, which every report
        carries, do. An agent that polls, and so is healthy, has said what it is.
        """
        monitor = super().new_monitor(*args, **kwargs)
        self._reports = Reports(monitor)
        self._tags_said = None
        if not self._say_state():
            monitor.send_report()
        return monitor

    def run_tasks_loop(self, queues: Any, worker_params: Any, **kwargs: Any) -> Any:
        """Poll without the two lines a poll that a foreground agent prints."""
        self._daemon_foreground = False
        self._params = worker_params
        return super().run_tasks_loop(queues, worker_params, **kwargs)

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
        self._take_up(queue_ids)
        self._run_handed(queue_ids)
        self._say_state()
        result = self._session.send_request(
            service="queues",
            action="get_all",
            method="post",
            json={"id": list(queue_ids), "only_fields": list(FIELDS)},
        )
        if not result.ok:
            raise APIError(result)
        queues = read_queues(result.json()["data"]["queues"], queue_ids)
        if not self._lacks or self._has_room():
            self._health.polled()
        return queues, self.get_runtime_properties()

    def should_be_currently_active(
        self, current_queue: dict[str, Any], runtime_properties: Any
    ) -> bool:
        """Whether to ask this queue for a task now; the loop calls this right before it does."""
        return (
            current_queue["waiting"]
            and not self._wishes.drained
            and super().should_be_currently_active(current_queue, runtime_properties)
            and self._drain.hold()
            and self._has_room()
        )

    def _has_room(self) -> bool:
        """Whether the node's disk would take what a task needs as it starts; says so if not."""
        lacks = ""
        for folder in self._rooms:
            try:
                check_room(folder)
            except OSError as error:
                lacks = f"{folder}: {error.strerror or error}"
                break
        if lacks != self._lacks:
            text = f"No task is taken: {lacks}" if lacks else "There is room for tasks again"
            print(text, flush=True)
        self._lacks = lacks
        return not lacks

    def run_one_task(self, queue: str, task_id: str, *args: Any, **kwargs: Any) -> Any:
        """Run a task; what it asks of Docker and does not get is named in its log first."""
        self._name_refused(task_id)
        return super().run_one_task(queue, task_id, *args, **kwargs)

    def _name_refused(self, task: str) -> None:
        if not self.docker_image_func:
            return
        try:
            container = self._read_task(task, "container").get("container") or {}
            lines = self._asked.note(task, container, self._docker_image)
        except Exception as error:  # what is not named is not granted either
            print(f"Which container task {task} asks for could not be read: {error}")
            return
        if lines:
            self.send_logs(task, [f"{line}\n" for line in lines], "WARNING")

    def _settle(self, task: str) -> None:
        # First: where another agent of the slot waits for this end, the next copy is its.
        own = f"{self.worker_id}:service:{task}" if self._services_mode else self.worker_id
        self._configurations.remove(own)
        super()._settle(task)
        if self._handed.is_taken(task):
            try:
                found = self._read_task(task)
            except Exception as error:  # whoever waits must not wait for ever
                found = {"status_message": str(error)}
            self._handed.done(task, found.get("status", ""), found.get("status_message", ""))

    def _run_handed(self, queues: Sequence[str]) -> None:
        """Run the tasks that were handed over in the container, as the loop runs one of a queue."""
        while (not self._drain.asked) and (task := self._handed.take()):
            try:
                self._run_one_handed(task, queues)
            except Exception as error:  # whoever waits must not wait for ever
                if self._handed.is_taken(task) and task not in self._services:
                    self._handed.done(task, "", str(error))
                raise

    def _run_one_handed(self, task: str, queues: Sequence[str]) -> None:
        found = self._read_task(task)
        if found.get("status") != CREATED or not self._drain.hold():
            message = f"not run: it is {found.get('status', 'not known to the server')}"
            self._handed.done(task, found.get("status", ""), message)
            return
        self._end_earlier(task)
        if not self._end_elsewhere(task):
            self._handed.done(task, CREATED, f"not run: {STILL_RUNS}")
            return
        self.report_monitor(ResourceMonitor.StatusReport(queues=queues, task=task))
        self._log_line(task, f"task {task} handed to {self.worker_id} on its node")
        self.run_one_task(queues[0], task, self._params)
        self.report_monitor(ResourceMonitor.StatusReport(queues=queues))
        self._let_go()

    def _say_state(self) -> bool:
        """Say what the agent is doing, where that changed, and to the server each 40 s at least.

        Returns
        -------
        bool
            Whether the server was told, too.
        """
        state = name_state(
            asked=self._drain.asked, drained=self._wishes.drained, in_hand=bool(self._custody.tasks)
        )
        self._state.say(state, self._custody.tasks)
        tags = tuple(filter(None, [TAGS.get(state)]))
        if tags:
            tags += self._wishes.tags
            tags += (SUCCESSOR_TAG,) if self._slot.has_successor else ()
        if not self.monitor or (tags == self._tags_said and not self._reports.overdue):
            return False
        # The monitor has no other way to be given tags once it runs.
        self.monitor._worker_tags = [*self._tags, *tags]
        if self.monitor.send_report():
            self._tags_said = tags
        return True

    def _get_docker_cmd(self, *args: Any, **kwargs: Any) -> list[str]:
        # The images hold all that a task needs. Only the start script is the standalone one:
        # an `execute --standalone-mode` would not clone the step code. A task's own set-up script
        # does not run: it would, before the step code could refuse the task for having one.
        given = {**kwargs, "standalone_mode": True, "docker_bash_setup_script": None}
        command = super()._get_docker_cmd(*args, **given)
        self._task_user.share(command)
        return self._quick_start.words(command)

    def _unregister(self, *args: Any, **kwargs: Any) -> None:
        if self._slot.is_given_up or self._slot.has_successor:
            print("Another agent stands by for the slot and goes on as the same worker")
            return
        try:
            with time_limit(UNREGISTER_SECONDS):
                super()._unregister(*args, **kwargs)
        except TimeUp:
            print("The server did not answer in time: it will notice the absence itself")
