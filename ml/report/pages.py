"""The pages there are: of the training alone, of a whole run, and of one without a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from ml.report import predictions, provenance, training
from ml.report.elements import paragraphs, section, table
from ml.report.page import page

if TYPE_CHECKING:
    from ml.report.provenance import Ran
    from ml.tabular.summary.comparison import Failed

Figures = Mapping[str, Sequence[Mapping[str, Any]]]


def training_page(record: Mapping[str, Any], figures: Figures) -> str:
    """The page of a training-summary.

    Parameters
    ----------
    record : mapping
        The training-summary's artifact ``summary``.
    figures : mapping
        Title → figures in plotly's JSON, as the training-summary's artifact ``figures`` has them.
    """
    return page(_title(record), _subtitle(record), training.sections(record, figures))


def run_page(
    record: Mapping[str, Any],
    figures: Figures,
    inferences: Sequence[Mapping[str, Any]],
    plots: Figures,
    steps: Sequence[Ran],
) -> str:
    """The page of a whole run: training, predictions, and where each step ran.

    Parameters
    ----------
    record, figures
        As for :func:`training_page`.
    inferences : sequence of mapping
        What each inference step left as its artifact ``summary``, with its phase and task.
    plots : mapping
        Title → figures of predictions.
    steps : sequence of Ran
        All steps of the run.
    """
    sections = [
        *training.result(record, figures),
        *predictions.sections(inferences, plots),
        *training.background(record),
        *provenance.sections(steps, record["run_id"]),
    ]
    return page(_title(record), _subtitle(record), sections)


def failure_page(run_id: str, failed: Sequence[Failed]) -> str:
    """The page of a run in which no model was trained."""
    rows = pd.DataFrame(
        [
            {
                "model": one.model,
                "class": one.failure_class,
                "why": one.failure,
                "what to do": training.ADVICE.get(one.failure_class, ""),
                "task": one.task,
            }
            for one in failed
        ]
    )
    told = paragraphs(["There is no model to choose, and nothing can be predicted."])
    return page(
        f"Run {run_id}",
        "no model was trained",
        [section("No model was trained", told + table(rows), "bad")],
    )


def _title(record: Mapping[str, Any]) -> str:
    return f"{record['dataset']}: predicting {record['target']}"


def _subtitle(record: Mapping[str, Any]) -> str:
    by = f"{record['metric']} of {training.chosen_by(record)}"
    return f"run {record['run_id']}, {record['kind']}, best by {by}"
