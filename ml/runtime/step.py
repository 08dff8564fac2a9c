"""What a phase may do with the world around it: fetch inputs, leave outputs.

A phase's adapter is written against :class:`Step` alone. On an agent it is a ClearML task
(:mod:`ml.runtime.task_step`); on a laptop it is a folder (:mod:`ml.runtime.folder_step`).
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.runtime import conventions as names
from ml.runtime import reporting
from ml.runtime.errors import UserError
from ml.runtime.host import GPU_TOLERANCE
from ml.runtime.tracing import Trace

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from pydantic import BaseModel

    from ml.pipeline import PlannedStep
    from ml.runtime.failures import Failure
    from ml.runtime.fingerprint import Code
    from ml.runtime.phase import Phase


@dataclass(frozen=True)
class Outcome:
    """What came of one step of a run.

    Parameters
    ----------
    reference : str
        What :meth:`Step.fetch` takes: a task id, or a folder.
    name, phase, status : str
        Status in ClearML's words: completed, failed, stopped, in_progress, …
    properties : mapping
        The user properties.
    message : str
        Why the status is what it is, in the agent's words.
    seconds : float or None
        How long it ran.
    queue, worker : str
        Where it ran.
    image, commit : str
        What it ran: the container image by digest, and the code.
    """

    reference: str
    name: str
    phase: str
    status: str
    properties: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    seconds: float | None = None
    queue: str = ""
    worker: str = ""
    image: str = ""
    commit: str = ""

    @property
    def is_pending(self) -> bool:
        """Whether it has yet to run or to end."""
        return self.status in {"created", "queued", "in_progress"}

    @property
    def is_finished(self) -> bool:
        """Whether it came to a good end."""
        return self.status in {"completed", "published"}


class Step(ABC):
    """One step while it runs.

    Parameters
    ----------
    phase : str
        The phase's name.
    run_id : str
        The run that the step belongs to.
    work : Path
        A folder for its files, present as long as the step runs.
    """

    def __init__(self, phase: str, run_id: str, work: Path) -> None:
        self.phase = phase
        self.run_id = run_id
        self.work = work
        self.trace = Trace()
        self._plots = reporting.PlotBudget(phase)
        self._stated: dict[str, str] = {}

    @abstractmethod
    def guard(self, phase: Phase, parameters: BaseModel) -> Sequence[str]:
        """Refuse to run where or as the step must not run.

        Parameters
        ----------
        phase : Phase
        parameters : BaseModel
            The phase's, parsed.

        Returns
        -------
        sequence of str
            The packages that are to be added to those that are there, each ``name==version``.
        """

    # inputs

    def fetch(self, reference: str, artifact: str, where: str) -> Path:
        """The file of an artifact of an earlier step; `where` names the field that asked for it."""
        path = self._fetch(reference, artifact, where)
        self.trace.fetched("artifact", artifact, path, reference)
        return path

    def fetch_json(self, reference: str, artifact: str, where: str) -> Any:
        """An artifact of an earlier step that is JSON."""
        path = self.fetch(reference, artifact, where)
        try:
            return json.loads(path.read_text("utf-8"))
        except ValueError as error:
            raise UserError(
                f"the output {artifact!r} of {reference} cannot be read: {error}",
                where=where,
                mend="run that step again, or name another one",
                failure_class="data-access",
            ) from None

    @abstractmethod
    def outcomes(self, run_id: str, where: str) -> list[Outcome]:
        """The steps of a run, in the order they started."""

    def dataset(self, reference: str, where: str) -> Path:
        """The folder that holds a data set's files."""
        folder = self._dataset(reference, where)
        self.trace.fetched("dataset", "dataset", folder, reference)
        return folder

    def download(self, source: str, where: str) -> Path:
        """A local file for a URL or a path."""
        path = self._download(source, where)
        self.trace.fetched("file", where, path, source)
        return path

    # outputs

    def artifact(self, name: str, path: Path) -> None:
        """Keep a file under a name that later steps ask for."""
        self.trace.left(name, path)
        self._keep(name, path)

    def artifact_json(self, name: str, value: Any) -> None:
        """Keep a value as a JSON file."""
        self.artifact(name, self._json_file(name, value))

    def fingerprint(self, value: Mapping[str, Any]) -> None:
        """Keep the step's fingerprint (:mod:`ml.runtime.fingerprint`)."""
        name = names.ARTIFACT_FINGERPRINT
        self._keep(name, self._json_file(name, value))

    def create_dataset(self, name: str, folder: Path, tags: Sequence[str], parent: str = "") -> str:
        """Make a data set of a folder's files; returns the reference for :meth:`dataset`.

        Parameters
        ----------
        name : str
        folder : Path
        tags : sequence of str
        parent : str
            The data set that this one is a later version of; it stays as it is.
        """
        self.trace.left("dataset", folder)
        return self._create_dataset(name, folder, tags, parent)

    @abstractmethod
    def register_model(self, name: str, artifact: str, framework: str, labels: Sequence[str]):
        """Enter an artifact of this step in the list of models."""

    def properties(self, **values: object) -> None:
        """Set user properties: the summary that one wants in the table of tasks."""
        texts = reporting.property_texts(values)
        self._stated.update(texts)
        self._set_properties(texts)

    @property
    def stated(self) -> Mapping[str, str]:
        """The user properties that the step has set so far."""
        return self._stated

    def value(self, name: str, number: float) -> None:
        """Report one number."""
        self.trace.results[name] = float(number)
        self._show_value(name, number)

    def computed_on(self, device: str, tolerance: float = GPU_TOLERANCE) -> None:
        """Say which device the numbers come from.

        Parameters
        ----------
        device : str
            ``cpu``, ``cuda`` or a name.
        tolerance : float
            How far they may be apart, as a share, between a GPU and a CPU.
        """
        self.trace.device, self.trace.tolerance = device, tolerance

    @abstractmethod
    def curve(self, title: str, series: str, numbers: Sequence[float]) -> None:
        """Report a number per iteration."""

    @abstractmethod
    def configuration(self, name: str, value: Any) -> None:
        """Keep a configuration object."""

    @property
    @abstractmethod
    def code(self) -> Code:
        """What the step runs."""

    @abstractmethod
    def give_up(self, failure: Failure) -> None:
        """Write why the step ends, from another thread, just before its process is ended."""

    @property
    @abstractmethod
    def run_reference(self) -> str:
        """What :meth:`outcomes` takes for the run that this step belongs to."""

    @abstractmethod
    def run_plan(self, planned: Sequence[PlannedStep]) -> list[Outcome]:
        """Run the steps of a pipeline; returns what came of those that were started, in order."""

    def plot(self, title: str, figure: go.Figure) -> None:
        """Show a plot; each phase has a small number of them (:mod:`ml.runtime.reporting`)."""
        self._plots.take(title)
        self._show_plot(title, figure)

    def table(self, title: str, frame: pd.DataFrame) -> None:
        """Show a table; it counts as a plot."""
        self._plots.take(title)
        self._show_table(title, frame)

    def log(self, text: str) -> None:
        """Write a line to the console, which the agent keeps."""
        print(text, flush=True)

    @abstractmethod
    def _show_plot(self, title: str, figure: go.Figure) -> None: ...

    @abstractmethod
    def _show_table(self, title: str, frame: pd.DataFrame) -> None: ...

    @abstractmethod
    def _show_value(self, name: str, number: float) -> None: ...

    @abstractmethod
    def _set_properties(self, texts: Mapping[str, str]) -> None: ...

    @abstractmethod
    def _fetch(self, reference: str, artifact: str, where: str) -> Path: ...

    @abstractmethod
    def _dataset(self, reference: str, where: str) -> Path: ...

    @abstractmethod
    def _download(self, source: str, where: str) -> Path: ...

    @abstractmethod
    def _keep(self, name: str, path: Path) -> None: ...

    @abstractmethod
    def _create_dataset(self, name: str, folder: Path, tags: Sequence[str], parent: str) -> str: ...

    def _json_file(self, name: str, value: Any) -> Path:
        path = self.work / f"{name}.json"
        path.write_text(json.dumps(value, indent=2, default=str) + "\n", "utf-8")
        return path
