"""A pipeline controller that asks and tells the server little, however many steps it has.

The SDK's own asks each step for its status and its progress, and sends the whole picture and a
table of all parameters whenever a step starts or ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from clearml import PipelineController

from ml.runtime import graph
from ml.runtime.server import Progress, Server

# the least time between two of a kind; the last one is always sent
_SECONDS_BETWEEN_PICTURES = 5.0
_SECONDS_BETWEEN_PLANS = 2.0
_SECONDS_BETWEEN_PROGRESS = 10.0
# two looks within one poll are one
_SECONDS_BETWEEN_LOOKS = 0.5
_FINAL = frozenset({"completed", "failed", "stopped", "published", "closed"})
_DELETED = "was deleted"
_NOT_OVER = (None, "pending", "queued", "running")
_HEADER = ["Step", "Status", "Seconds", "Task"]


class _Sparing:
    """Something that is sent now and then.

    Parameters
    ----------
    seconds : float
        The least time between two.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last: float | None = None
        self.has_news = False

    @property
    def is_due(self) -> bool:
        return self._last is None or time.monotonic() - self._last >= self._seconds

    def send(self, send: Callable[..., Any], *given: Any) -> None:
        self._last, self.has_news = time.monotonic(), False
        send(*given)


class FrugalController(PipelineController):
    """ClearML's pipeline controller with one request per poll for all steps together.

    Parameters
    ----------
    labels : mapping, optional
        Step → its phase, and what tells it from other steps of that phase, for the picture.
    **given
        As the SDK's controller takes it.
    """

    def __init__(
        self, *, labels: Mapping[str, tuple[str, str]] | None = None, **given: Any
    ) -> None:
        self._labels = labels or {}
        self._seen: dict[str, Progress] = {}
        self._missed: set[str] = set()
        self._looked = 0.0
        self._plans = _Sparing(_SECONDS_BETWEEN_PLANS)
        self._pictures = _Sparing(_SECONDS_BETWEEN_PICTURES)
        self._progress = _Sparing(_SECONDS_BETWEEN_PROGRESS)
        self._percent = 0
        self._project: str | None = None
        super().__init__(**given)

    def _update_nodes_status(self) -> None:
        nodes = list(self._nodes.values())
        self._look([node.job for node in nodes if node.job])
        for node in nodes:
            self._update_node_status(node)
        self._tell(nodes)

    def _look(self, jobs: list[Any]) -> None:
        """Ask for the status of all steps that have not ended, in one request."""
        unknown = [job for job in jobs if not job._last_status]
        if not unknown and time.monotonic() - self._looked < _SECONDS_BETWEEN_LOOKS:
            return
        self._looked = time.monotonic()
        waited_for = {job.task_id(): job for job in jobs if job._last_status not in _FINAL}
        if not waited_for:
            return
        try:
            seen = Server(self._task.session).progress(list(waited_for))
        except Exception as error:
            # the next poll asks again; what is known meanwhile holds
            print(f"the steps' status cannot be had: {error}", flush=True)
            return
        self._seen |= seen
        for task_id, progress in seen.items():
            job = waited_for[task_id]
            job._last_status = progress.status
            # a second after its time the SDK would ask for each by itself
            job._last_status_ts = float("inf")
            # the SDK tells a step that a watchdog stopped by this text
            job.task.data.status_message = progress.message
        self._end_deleted({one: job for one, job in waited_for.items() if one not in seen})

    def _end_deleted(self, missing: dict[str, Any]) -> None:
        """Take for stopped what the server knew nothing of twice running: it will never answer."""
        for task_id, job in missing.items():
            is_gone = task_id in self._missed
            job._last_status = "stopped" if is_gone else job._last_status or "queued"
            job._last_status_ts = float("inf")
            if is_gone:
                job.task.data.status_message = _DELETED
                print(f"task {task_id} {_DELETED}: its step counts as stopped", flush=True)
        self._missed = set(missing)

    def _update_progress(self) -> None:
        """Of the steps that have ended: none tells a progress of its own."""
        nodes = list(self._nodes.values())
        if not nodes or not self._progress.is_due:
            return
        percent = 100 * sum(node.executed is not None for node in nodes) // len(nodes)
        if percent != self._percent:
            self._percent = percent
            self._progress.send(self._task.set_progress, percent)

    def _update_execution_plot(self) -> None:
        if not self._task:
            return
        self._plans.has_news = self._pictures.has_news = True
        self._update_nodes_status()

    def _tell(self, nodes: list[PipelineController.Node]) -> None:
        """Send what is new and due: the plan, the picture and the table."""
        is_over = not any(node.status in _NOT_OVER for node in nodes)
        if self._plans.has_news and (is_over or self._plans.is_due):
            # what the web interface shows, and what a controller that is cut goes on with
            self._plans.send(self._force_task_configuration_update)
        if self._pictures.has_news and (is_over or self._pictures.is_due):
            self._pictures.send(self._draw, nodes)

    def _draw(self, nodes: list[PipelineController.Node]) -> None:
        logger = self._task.get_logger()
        flow, details = self._report_plot_execution_flow, self._report_plot_execution_details
        figure = graph.figure([self._as_drawn(node) for node in nodes])
        logger.report_plotly(flow["title"], flow["series"], figure, iteration=0)
        rows = [self._row(node) for node in nodes]
        logger.report_table(
            details["title"], details["series"], iteration=0, table_plot=[_HEADER, *rows]
        )

    def _get_target_project(self, return_project_id: bool = False) -> str:
        """Where its steps go; the SDK asks for it with each step."""
        if not return_project_id:
            return super()._get_target_project()
        if self._project is None:
            self._project = super()._get_target_project(return_project_id=True)
        return self._project

    def _as_drawn(self, node: PipelineController.Node) -> graph.GraphStep:
        phase, detail = self._labels.get(node.name, (node.name, ""))
        return graph.GraphStep(
            name=node.name,
            phase=phase,
            detail=detail,
            parents=tuple(node.parents or ()),
            status=node.status or "pending",
            seconds=self._seconds(node),
        )

    def _row(self, node: PipelineController.Node) -> list[str]:
        seconds = self._seconds(node)
        took = "" if seconds is None else f"{seconds:.0f}"
        task_id = _task_id(node)
        return [node.name, node.status or "", took, self._link(task_id) if task_id else ""]

    def _seconds(self, node: PipelineController.Node) -> float | None:
        seen = self._seen.get(_task_id(node))
        if seen is None or seen.started is None:
            return None
        return max(0.0, (seen.completed or time.time()) - seen.started)

    def _link(self, task_id: str) -> str:
        page = self._task.get_output_log_web_page().replace(self._task.id, task_id)
        return f'<a href="{page}">{task_id}</a>'


def _task_id(node: PipelineController.Node) -> str:
    return node.job.task_id() if node.job else node.executed or ""
