"""A step as a ClearML task: what an agent runs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clearml import Dataset, OutputModel, StorageManager, Task
from clearml.storage.helper import StorageError

from ml.catalog import PHASES
from ml.pipeline import PlannedStep
from ml.runtime import conventions as names
from ml.runtime.controller import run_plan
from ml.runtime.errors import DataError, UserError
from ml.runtime.execution import execute
from ml.runtime.failures import Failure, describe
from ml.runtime.fingerprint import Code
from ml.runtime.guard import check_start, refuse_template
from ml.runtime.identity import settle
from ml.runtime.origin import StepList, named_steps, note_start
from ml.runtime.parameters import FOREIGN_SECTIONS
from ml.runtime.phase import Phase
from ml.runtime.record import TaskRecord
from ml.runtime.resuming import was_put_back
from ml.runtime.routing import Routing
from ml.runtime.server import Server
from ml.runtime.step import Outcome, Step

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from pydantic import BaseModel


def run_task(phase: Phase) -> Failure | None:
    """Run a phase as the task that the agent started; marks the task when it failed."""
    # nothing is connected by itself: what a step shows, its phase decides
    task = Task.init(
        auto_connect_arg_parser=False,
        auto_connect_frameworks=False,
        auto_resource_monitoring=False,
    )
    given = task.get_parameters()
    values = {
        path: text for path, text in given.items() if path.split("/")[0] not in FOREIGN_SECTIONS
    }
    server = Server(task.session)
    failure = _refusal(server.record(task.id), phase)
    if failure:
        print(failure.detail, flush=True)
        _mark_failed(task, failure)
        return failure
    run_id = settle(task, phase, given, server)
    with tempfile.TemporaryDirectory(prefix=f"{phase.name}-") as work:
        step = TaskStep(task, phase.name, run_id, Path(work))
        step.take_its_place(values)
        failure = execute(step, phase, values)
        if failure:
            step.properties(failure_class=failure.failure_class, failure=failure.summary)
        task.flush(wait_for_uploads=True)
        if failure:
            _mark_failed(task, failure)
    return failure


def _refusal(own: TaskRecord, phase: Phase) -> Failure | None:
    try:
        refuse_template(own, phase)
    except UserError as error:
        return describe(error)
    return None


def _mark_failed(task: Task, failure: Failure) -> None:
    task.mark_failed(
        status_reason=failure.failure_class, status_message=failure.summary, force=True
    )


class TaskStep(Step):
    """A step that reports to the ClearML server.

    Parameters
    ----------
    task : Task
        The current task.
    phase, run_id, work
        As in :class:`~ml.runtime.step.Step`.
    """

    def __init__(self, task: Task, phase: str, run_id: str, work: Path) -> None:
        super().__init__(phase, run_id, work)
        self._task = task
        self._server = Server(task.session)
        self._fetched: dict[str, Task] = {}
        self._rules: Routing | None = None

    def take_its_place(self, values: dict[str, str]) -> None:
        """Give a clone that was made by hand the tags, name and project of a run's step."""
        changes: dict[str, Any] = {}
        tags = names.step_tags(self._task.get_tags(), self.phase, self.run_id)
        if sorted(tags) != sorted(self._task.get_tags()):
            changes["tags"] = tags
        if self.run_id not in self._task.name:
            detail = values.get("Model/name") if self.phase == "training" else None
            changes["name"] = names.task_name(self.phase, self.run_id, detail)
        if changes:
            self._server.edit_task(self._task.id, **changes)
            self._task.reload()
        if self._task.get_project_name() == names.TEMPLATE_PROJECT:
            self._task.move_to_project(new_project_name=names.RUN_PROJECT)

    def guard(self, phase: Phase, parameters: BaseModel) -> Sequence[str]:
        """Refuse what the policy refuses; mark what it lets run though it differs."""
        permit = check_start(
            self._server.record(self._task.id),
            phase,
            self.run_id,
            phase.accelerator(parameters),
            PHASES.values(),
            self._server,
        )
        self._rules = permit.routing
        if permit.controller:
            note_start(self._task.id, permit.controller, self._server)
        if permit.differences:
            for difference in permit.differences:
                self.log(f"differs from its template: {difference}")
            parts = ", ".join(difference.part for difference in permit.differences)
            self.properties(**{names.PROPERTY_DIFFERENCES: parts})
            self._task.add_tags([names.DIFFERS_TAG])
        return permit.packages

    def _fetch(self, reference: str, artifact: str, where: str) -> Path:
        """Download an artifact of another task."""
        task = self._other(reference, where)
        if artifact not in task.artifacts:
            raise UserError(
                f"task {reference} has no artifact {artifact!r} (its status is {task.status})",
                where=where,
                mend="name the id of the right task, one that is completed",
                failure_class="data-access",
            )
        path = task.artifacts[artifact].get_local_copy(raise_on_error=False)
        if path is None:
            raise DataError(
                f"the artifact {artifact!r} of task {reference} cannot be downloaded",
                where=task.artifacts[artifact].url,
                mend="check that the file server answers and still holds the file",
            )
        return Path(path)

    def outcomes(self, run_id: str, where: str) -> list[Outcome]:
        """The tasks that bear the run's tag, without this one."""
        return [one for one in self._server.outcomes(run_id) if one.reference != self._task.id]

    def _dataset(self, reference: str, where: str) -> Path:
        """Download a data set's files."""
        mend = "name the id of a data set, as data-registration shows it"
        if not reference:
            raise DataError("no data set is named", where=where, mend=mend)
        try:
            return Path(Dataset.get(dataset_id=reference).get_local_copy())
        except ValueError as error:
            raise DataError(
                f"the data set {reference!r} cannot be had: {error}", where=where, mend=mend
            ) from None

    def _download(self, source: str, where: str) -> Path:
        """Download an address with the agent's credentials; a path is one of the node's."""
        path = source
        if "://" in source:
            try:
                # the node's cache outlives the task: the file may be another by now
                path = StorageManager.get_local_copy(
                    source, extract_archive=False, force_download=True
                )
            except (ValueError, StorageError) as error:
                raise DataError(
                    f"{source!r} cannot be had: {error}",
                    where=where,
                    mend="give the agents the storage's credentials, or another address",
                ) from None
        if not path or not Path(path).is_file():
            raise DataError(
                f"{source!r} cannot be had",
                where=where,
                mend="give an address that this node can reach, and a file that is there",
            )
        return Path(path)

    def _keep(self, name: str, path: Path) -> None:
        """Upload a file to the file server."""
        self._task.upload_artifact(name, artifact_object=path, wait_on_upload=True)

    def _create_dataset(self, name: str, folder: Path, tags: Sequence[str], parent: str) -> str:
        """Make a ClearML data set, a version of its parent where it has one; returns its id."""
        dataset = Dataset.create(
            dataset_name=name,
            dataset_project=names.DATASET_PROJECT,
            dataset_tags=list(tags),
            parent_datasets=[parent] if parent else None,
            description=f"registered by task {self._task.id} of run {self.run_id}",
        )
        dataset.add_files(folder)
        dataset.upload(show_progress=False, preview=False)
        dataset.finalize()
        return dataset.id

    def register_model(self, name: str, artifact: str, framework: str, labels: Sequence[str]):
        """An output model that points at the artifact."""
        model = OutputModel(
            task=self._task,
            name=name,
            framework=framework,
            label_enumeration={label: code for code, label in enumerate(labels)} or None,
        )
        model.update_weights(register_uri=self._task.artifacts[artifact].url)

    def _set_properties(self, texts: Mapping[str, str]) -> None:
        """Set user properties of the task."""
        self._task.set_user_properties(**texts)

    def _show_value(self, name: str, number: float) -> None:
        """Report a single value."""
        self._task.get_logger().report_single_value(name, number)

    def curve(self, title: str, series: str, numbers: Sequence[float]) -> None:
        """Report a scalar per iteration."""
        logger = self._task.get_logger()
        for iteration, number in enumerate(numbers):
            logger.report_scalar(title, series, number, iteration)

    def configuration(self, name: str, value: Any) -> None:
        """Store a configuration object as JSON."""
        self._task.set_configuration_object(
            name, config_text=json.dumps(value, indent=2, default=str), config_type="json"
        )

    @property
    def code(self) -> Code:
        """The commit and the image that the agent took, as the server has them."""
        own = self._server.record(self._task.id)
        return Code(own.script.get("version_num") or "", own.container.get("image") or "")

    def give_up(self, failure: Failure) -> None:
        """Say on the server why the task ends, by few small requests."""
        self._server.give_up(self._task.id, failure)

    @property
    def run_reference(self) -> str:
        """The run id."""
        return self.run_id

    def run_plan(self, planned: Sequence[PlannedStep]) -> list[Outcome]:
        """Run the steps as tasks of their own, by ClearML's pipeline controller.

        They go where the published rules say by which the guard let this task run: what the task
        itself carries, a person may have edited.
        """
        if self._rules is None:
            raise RuntimeError("a controller plans its steps after the guard has let it run")
        own = self._server.record(self._task.id)
        if not own.has_begun:
            self._server.note_begun(self._task.id)
        steps = StepList(self._server, self._task.id, named_steps(own))
        steps.save()
        started = run_plan(
            planned,
            self.run_id,
            self._rules,
            self._server,
            steps,
            is_put_back=was_put_back(self._task, own),
        )
        ended = {one.reference: one for one in self.outcomes(self.run_id, "the run")}
        return [ended[task_id] for task_id in started if task_id in ended]

    def _show_plot(self, title: str, figure: go.Figure) -> None:
        self._task.get_logger().report_plotly(title, self.phase, figure, iteration=0)

    def _show_table(self, title: str, frame: pd.DataFrame) -> None:
        self._task.get_logger().report_table(title, self.phase, iteration=0, table_plot=frame)

    def _other(self, reference: str, where: str) -> Task:
        if reference not in self._fetched:
            try:
                task = Task.get_task(task_id=reference) if reference else None
            except ValueError:
                task = None
            if task is None:
                raise UserError(
                    f"there is no task {reference!r}" if reference else "no task is named",
                    where=where,
                    mend=f"set {where} to the id of a task",
                    failure_class="data-access",
                )
            self._fetched[reference] = task
        return self._fetched[reference]
