"""A step without ClearML: its outputs lie in a folder, and folders are its inputs."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.catalog import PHASES
from ml.pipeline import PlannedStep, Reference, resolved
from ml.runtime.conventions import slug
from ml.runtime.errors import DataError, UserError
from ml.runtime.execution import execute
from ml.runtime.failures import Failure
from ml.runtime.fingerprint import Code, checked_out
from ml.runtime.phase import Phase
from ml.runtime.step import Outcome, Step

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go
    from pydantic import BaseModel

RECORD = "step.json"
# the record of a step of an earlier run, which is none of the run's any more
EARLIER_RECORD = "earlier-step.json"


class FolderStep(Step):
    """A step that writes to a folder.

    Parameters
    ----------
    phase, run_id : str
        As in :class:`~ml.runtime.step.Step`.
    out : Path
        The folder; it is made, and what an earlier run of the step left in it is replaced.
    parent : FolderStep, optional
        The pipeline that it is a step of.
    """

    def __init__(
        self, phase: str, run_id: str, out: Path, parent: FolderStep | None = None
    ) -> None:
        self.out = out
        self._parent = parent
        self._started = time.perf_counter()
        out.mkdir(parents=True, exist_ok=True)
        (out / RECORD).unlink(missing_ok=True)
        super().__init__(phase, run_id, out)
        self._record: dict[str, Any] = {
            "phase": phase,
            "run_id": run_id,
            "name": out.name,
            "status": "in_progress",
            "properties": {},
            "artifacts": {},
            "values": {},
        }

    def finish(self, seconds: float, failure: Failure | None = None) -> None:
        """Write what came of the step."""
        self._record["status"] = "failed" if failure else "completed"
        self._record["seconds"] = round(seconds, 3)
        if failure:
            self.properties(failure_class=failure.failure_class, failure=failure.summary)
        text = json.dumps(self._record, indent=2)
        (self.out / RECORD).write_text(text + "\n", "utf-8")

    def guard(self, phase: Phase, parameters: BaseModel) -> Sequence[str]:
        """On a laptop every phase may run; its packages are for its user to install."""
        return ()

    def _fetch(self, reference: str, artifact: str, where: str) -> Path:
        """The artifact's file in an earlier step's folder."""
        if not reference:
            raise UserError(
                "no step is named",
                where=where,
                mend="name the --out folder of the earlier step",
                failure_class="data-access",
            )
        record = _read_record(Path(reference), where)
        if artifact not in record["artifacts"]:
            raise UserError(
                f"{reference} has no output {artifact!r} (it is a {record['phase']} step, "
                f"{record['status']})",
                where=where,
                mend="name the folder of the right step",
                failure_class="data-access",
            )
        return Path(reference) / record["artifacts"][artifact]

    def outcomes(self, run_id: str, where: str) -> list[Outcome]:
        """The steps in the sub-folders of the run's folder."""
        run = Path(run_id)
        records = sorted(run.glob(f"*/{RECORD}")) if run_id else []
        if not records:
            raise UserError(
                f"there are no steps in the folder {run_id!r}",
                where=where,
                mend="name the folder that holds the --out folders of the run's steps",
                failure_class="data-access",
            )
        found = []
        for path in records:
            record = _read_record(path.parent, where)
            found.append(
                Outcome(
                    reference=str(path.parent),
                    name=record["name"],
                    phase=record["phase"],
                    status=record["status"],
                    properties=record["properties"],
                    seconds=record.get("seconds"),
                )
            )
        return found

    def _dataset(self, reference: str, where: str) -> Path:
        """The folder itself, or the one inside a data-registration step's folder."""
        folder = Path(reference)
        inner = folder / "dataset"
        if reference and (folder / RECORD).is_file():
            record = _read_record(folder, where)
            # a folder may still hold the data set of an earlier run of a step that failed now
            if record["status"] == "completed" and inner.is_dir():
                return inner
            raise DataError(
                f"{reference!r} has no data set (it is a {record['phase']} step, "
                f"{record['status']})",
                where=where,
                mend="name the --out folder of a data-registration step",
            )
        if reference and folder.is_dir():
            return inner if inner.is_dir() else folder
        raise DataError(
            f"there is no data set at {reference!r}",
            where=where,
            mend="name the --out folder of a data-registration step",
        )

    def _download(self, source: str, where: str) -> Path:
        """The path itself; addresses need ClearML's storage."""
        path = Path(source).expanduser()
        if "://" in source or not path.is_file():
            raise DataError(
                f"there is no file {source!r}",
                where=where,
                mend="give the path of a CSV or Parquet file on this machine",
            )
        return path

    def _keep(self, name: str, path: Path) -> None:
        """Keep the file in the step's folder."""
        if path.resolve().parent != self.out.resolve():
            shutil.copyfile(path, self.out / path.name)
        self._record["artifacts"][name] = path.name

    def _create_dataset(self, name: str, folder: Path, tags: Sequence[str], parent: str) -> str:
        """Copy the files to the folder ``dataset``; the record says which one is its parent."""
        if parent:
            self._record["parent_dataset"] = parent
        target = self.out / "dataset"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder, target)
        return str(target)

    def register_model(self, name: str, artifact: str, framework: str, labels: Sequence[str]):
        """There is no list of models without ClearML; the record says which artifact it is."""
        self._record["model"] = {"name": name, "artifact": artifact, "framework": framework}

    def _set_properties(self, texts: Mapping[str, str]) -> None:
        """Kept in the record."""
        self._record["properties"].update(texts)

    def _show_value(self, name: str, number: float) -> None:
        """Kept in the record."""
        self._record["values"][name] = number

    def curve(self, title: str, series: str, numbers: Sequence[float]) -> None:
        """Kept in a file of its own."""
        path = self.out / f"curve-{slug(title)}-{slug(series)}.json"
        path.write_text(json.dumps(list(numbers)) + "\n", "utf-8")

    def configuration(self, name: str, value: Any) -> None:
        """Kept in a file of its own."""
        path = self.out / f"{name}.json"
        path.write_text(json.dumps(value, indent=2, default=str) + "\n", "utf-8")

    @property
    def code(self) -> Code:
        """The commit that is checked out; there is no image."""
        return Code(checked_out())

    def give_up(self, failure: Failure) -> None:
        """Write the record, and that of the pipeline that the step is one of."""
        self.finish(time.perf_counter() - self._started, failure)
        if self._parent:
            self._parent.give_up(failure)

    @property
    def run_reference(self) -> str:
        """The folder that holds the pipeline's steps."""
        return str(self.out)

    def run_plan(self, planned: Sequence[PlannedStep]) -> list[Outcome]:
        """Run the steps one after the other, each in a folder inside this one."""
        done: dict[str, FolderStep] = {}

        def look_up(reference: Reference) -> str:
            earlier = done[reference.step]
            if not reference.property:
                return str(earlier.out)
            return earlier._record["properties"][reference.property]

        self._set_aside([step.name for step in planned])
        passed: set[str] = set()
        for step in planned:
            if not passed.issuperset(step.parents):
                continue
            self.log(f"== {step.name}")
            child = FolderStep(step.phase, self.run_id, self.out / step.name, self)
            done[step.name] = child
            failure = child.run(PHASES[step.phase], resolved(step, look_up))
            if failure is None or step.may_fail:
                passed.add(step.name)
        ended = {one.reference: one for one in self.outcomes(self.run_reference, "the run")}
        return [ended[str(child.out)] for child in done.values()]

    def _set_aside(self, names: Sequence[str]) -> None:
        """Let no step of an earlier run in the same folder count as one of this run."""
        earlier = sorted(self.out.glob(f"*/{RECORD}"))
        for path in earlier:
            path.rename(path.with_name(EARLIER_RECORD))
        stay = [path.parent.name for path in earlier if path.parent.name not in names]
        if stay:
            self.log(f"of an earlier run, so it does not count: {', '.join(stay)}")

    def run(self, phase: Phase, values: Mapping[str, str]) -> Failure | None:
        """Run a phase as this step, and write what came of it."""
        failure = execute(self, phase, values)
        self.finish(time.perf_counter() - self._started, failure)
        return failure

    def _show_plot(self, title: str, figure: go.Figure) -> None:
        path = self.out / f"plot-{slug(title)}.json"
        path.write_text(figure.to_json(), "utf-8")

    def _show_table(self, title: str, frame: pd.DataFrame) -> None:
        frame.to_csv(self.out / f"table-{slug(title)}.csv", index=False)


def _read_record(folder: Path, where: str) -> dict[str, Any]:
    path = folder / RECORD
    if path.is_file():
        try:
            return json.loads(path.read_text("utf-8"))
        except ValueError:
            raise UserError(
                f"{str(path)!r} was cut off: it is no JSON",
                where=where,
                mend="run the step again",
                failure_class="data-access",
            ) from None
    raise UserError(
        f"{str(folder)!r} is not the folder of a step",
        where=where,
        mend="name a folder that an earlier step wrote with --out",
        failure_class="data-access",
    )
