"""What the inference phases share: the model to predict with, and what it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ml.phases import _provenance
from ml.phases.preprocessing import ARTIFACT_REFERENCE, ARTIFACT_REPLAY
from ml.phases.training import ARTIFACT_METRICS, ARTIFACT_MODEL
from ml.phases.training_summary import ARTIFACT_FIGURES
from ml.phases.training_summary import NAME as TRAINING_SUMMARY
from ml.runtime import conventions as names
from ml.runtime.errors import DataError, UserError
from ml.runtime.parameters import Section

if TYPE_CHECKING:
    import pandas as pd

    from ml.runtime.step import Step
    from ml.tabular.data.replaying import Replay
    from ml.tabular.learning.fitted_model import FittedModel


class ModelSource(Section):
    """The fields that name the model."""

    run_id: str = Field("", description="predict with the best model of this run")
    training_task: str = Field(
        "", description="id of a finished training task, instead of the run's best"
    )


@dataclass(frozen=True)
class Served:
    """A model to predict with.

    Parameters
    ----------
    model : FittedModel
    task : str
        The training step that left it.
    preprocessing : str
        The preprocessing step that the training step worked on.
    """

    model: FittedModel
    task: str
    preprocessing: str


def served_model(step: Step, source: ModelSource) -> Served:
    """The model that the fields name, once it is known that this environment may open it.

    Raises
    ------
    UserError
        No model is named, the run has none, it cannot be read, or other versions made it.
    """
    task = training_task(step, source)
    return load_model(step, task, _where(source))


def training_task(step: Step, source: ModelSource) -> str:
    """The training step whose model to use."""
    if source.training_task:
        return source.training_task
    if not source.run_id:
        raise UserError(
            "no model is named",
            where="Input/run_id, Input/training_task",
            mend="name a run, or a training task",
        )
    summaries = [
        outcome
        for outcome in step.outcomes(source.run_id, "Input/run_id")
        if outcome.phase == TRAINING_SUMMARY and outcome.is_finished
    ]
    if not summaries:
        raise UserError(
            f"the run {source.run_id!r} has no finished training-summary, so no best model",
            where="Input/run_id",
            mend="name a run that finished, or a training task",
        )
    record = step.fetch_json(summaries[-1].reference, names.ARTIFACT_SUMMARY, "Input/run_id")
    return record["best"]["task"]


def load_model(step: Step, task: str, where: str) -> Served:
    """The model that a training step left."""
    from ml.tabular.learning import model_file

    metrics = step.fetch_json(task, ARTIFACT_METRICS, where)
    path = step.fetch(task, ARTIFACT_MODEL, where)
    try:
        model = model_file.load(path, metrics.get("made_with"), where)
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"the model of the training step {task} cannot be read: {error}",
            where=where,
            mend="train it again, or name another training task",
            failure_class="data-access",
        ) from error
    return Served(model, task, metrics["preprocessing_task"])


def reference(step: Step, served: Served) -> dict[str, Any] | None:
    """What the training rows are known by (``reference`` of :mod:`ml.tabular.serving.drift`)."""
    try:
        return step.fetch_json(served.preprocessing, ARTIFACT_REFERENCE, "Input/training_task")
    except UserError:
        step.log(f"the preprocessing step {served.preprocessing} kept no {ARTIFACT_REFERENCE}")
        return None


def replay(step: Step, served: Served) -> Replay | None:
    """The edits of the data set that the model was trained on; None where it was not edited."""
    from ml.tabular.data.replaying import Replay

    try:
        stages = step.fetch_json(served.preprocessing, ARTIFACT_REPLAY, "Input/training_task")
    except DataError:
        # it is there, and cannot be had
        raise
    except UserError:
        # before there was a replay, rows to predict had to come edited
        return None
    return Replay(stages, served.model.schema) if stages else None


def data_hashes(step: Step, served: Served) -> list[str]:
    """The hash of the data set that the model was trained on, then those of what it was made of."""
    known = _provenance.kept(step, served.preprocessing, "Input/training_task")
    return known["data"] if known else [served.model.schema.hash]


def tell_edits(step: Step, edits: Replay | None, *, done: bool) -> list[str]:
    """Say whether rows are edited, and which steps are not done on them; returns what was said.

    Parameters
    ----------
    edits : Replay, optional
    done : bool
        Whether some rows came as they were before the edits.
    """
    notes = []
    if edits is not None and done:
        columns = ", ".join(edits.columns)
        notes.append(f"the edits of the data set were done on the rows: on {columns}")
    if edits is not None and edits.not_applied and (done or not edits.changes):
        left_out = " and ".join(edits.not_applied)
        notes.append(f"each row has its prediction: {left_out} of the edits left none out")
    for text in notes:
        step.log(f"note: {text}")
    return notes


def training_rows(step: Step, served: Served, most: int, seed: int) -> pd.DataFrame:
    """At most `most` of the rows that the model was trained on, drawn at random."""
    from ml.phases._evidence import read_parquet_sample

    path = step.fetch(served.preprocessing, "train", "Input/training_task")
    return read_parquet_sample(path, most, seed, served.model.schema.features)


def keep_figures(step: Step, figures: dict[str, Any]) -> None:
    """Keep the plots for the run's report: title → figure."""
    import json

    drawn = {title: [json.loads(figure.to_json())] for title, figure in figures.items()}
    step.artifact_json(ARTIFACT_FIGURES, drawn)


def _where(source: ModelSource) -> str:
    return "Input/training_task" if source.training_task else "Input/run_id"
