"""training-summary: which model is best, how the others did, what failed and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from ml.phases.training import ARTIFACT_METRICS
from ml.runtime import conventions as names
from ml.runtime.errors import UserError
from ml.runtime.metric_names import AUTO, Metric
from ml.runtime.parameters import Section
from ml.runtime.phase import Phase

if TYPE_CHECKING:
    from ml.runtime.step import Outcome, Step
    from ml.tabular.comparison import Failed, Trained

NAME = "training-summary"

# SIGKILL, as the agent reports it with and without a container
_KILLED = re.compile(r"exit code (-9|137)\b")


class InputFields(Section):
    """What to summarise."""

    run_id: str = Field("", description="the run whose models to compare")


class ChoiceFields(Section):
    """How to choose."""

    metric: Metric = Field(AUTO, description="metric that the best model is chosen by")


class Parameters(BaseModel):
    """Of training-summary."""

    Input: InputFields = InputFields()
    Choice: ChoiceFields = ChoiceFields()


PHASE = Phase(
    name=NAME,
    task_type="custom",
    help="Compare the models of a run, choose the best, name those that failed.",
    parameters=Parameters,
    entry="ml.phases.training_summary:run",
    order=40,
)


def run(step: Step, parameters: Parameters) -> None:
    """Gather the run's training steps, failed ones too, and summarise them."""
    from ml import report
    from ml.tabular import comparison, plots

    run_id = parameters.Input.run_id or step.run_id
    trained, failed, records = gather(step, run_id)
    table = comparison.failed_table(failed)
    if failed:
        step.table("failed models", table)
    if not trained:
        _report_nothing_trained(step, run_id, failed)

    schema = best_schema(step, records[0]["preprocessing_task"])
    metric = resolve_metric(parameters.Choice.metric, schema)
    board = comparison.leaderboard(trained, metric)
    best = board.iloc[0].to_dict()
    record = {
        "run_id": run_id,
        "dataset": schema.name,
        "target": schema.target,
        "kind": schema.kind,
        "rows": schema.rows,
        "metric": metric,
        "best": best,
        "leaderboard": board.to_dict(orient="records"),
        "failed": table.to_dict(orient="records"),
    }
    step.artifact_json(names.ARTIFACT_SUMMARY, record)
    _store_leaderboard(step, board)
    step.table("leaderboard", board.drop(columns=["task"]))
    comparison_plot = plots.comparison(board, metric)
    step.plot("comparison", comparison_plot)

    import pandas as pd

    predictions = pd.read_parquet(
        step.fetch(best["task"], names.ARTIFACT_PREDICTIONS, "the best model")
    )
    quality = plots.fit_quality(predictions, schema)
    page = step.work / "report.html"
    page.write_text(report.training_page(record, comparison_plot, quality), "utf-8")
    step.artifact(names.ARTIFACT_REPORT, page)
    step.properties(
        **{
            names.PROPERTY_DATASET: schema.name,
            names.PROPERTY_TARGET: schema.target,
            names.PROPERTY_BEST_MODEL: best["model"],
            names.PROPERTY_METRIC: metric,
            names.PROPERTY_SCORE: best["validation"],
            names.PROPERTY_FAILED_MODELS: "; ".join(map(str, failed)) or "none",
        }
    )
    step.log(board.drop(columns=["task"]).to_string(index=False))
    for one in failed:
        step.log(f"failed: {one}")


def gather(step: Step, run_id: str) -> tuple[list[Trained], list[Failed], list[dict[str, Any]]]:
    """The run's models: trained, failed, and the metrics records of those that were trained.

    Raises
    ------
    UserError
        When the run has no training step that has ended.
    """
    from ml.tabular.comparison import Failed, Trained

    trained, failed, records = [], [], []
    for outcome in step.outcomes(run_id, "Input/run_id"):
        # a clone that nobody has run, or that still runs, is no failed model
        if outcome.phase != "training" or outcome.is_pending:
            continue
        model = outcome.properties.get(names.PROPERTY_MODEL, outcome.name)
        if not outcome.is_finished:
            failure_class, failure = reason(outcome)
            failed.append(Failed(model, outcome.reference, failure_class, failure))
            continue
        record = step.fetch_json(outcome.reference, ARTIFACT_METRICS, "Input/run_id")
        records.append(record)
        trained.append(
            Trained(
                model=record["model"],
                task=outcome.reference,
                validation=record["validation"],
                test=record["test"],
                fit_seconds=record["fit_seconds"],
                predict_seconds=record["predict_seconds"],
                queue=outcome.queue,
                worker=outcome.worker,
            )
        )
    if not trained and not failed:
        raise UserError(
            f"the run {run_id!r} has no training step that has ended",
            where="Input/run_id",
            mend="name a run that trained a model",
        )
    return trained, failed, records


def reason(outcome: Outcome) -> tuple[str, str]:
    """Class and message of a step that did not finish."""
    failure = outcome.properties.get(names.PROPERTY_FAILURE)
    if failure:
        return outcome.properties.get(names.PROPERTY_FAILURE_CLASS, "code"), failure
    # the step could not say it itself: it was killed, or never ran
    said = f" ({outcome.message})" if outcome.message else ""
    if _KILLED.search(outcome.message):
        return "resource", f"killed{said}: most often for want of memory"
    return "infrastructure", f"{outcome.status} before it could say why{said}"


def best_schema(step: Step, preprocessing_task: str):
    """The schema that the run's models were trained by."""
    from ml.tabular.schema import Schema

    return Schema.model_validate(step.fetch_json(preprocessing_task, "schema", "Input/run_id"))


def resolve_metric(metric: str, schema) -> str:
    """The metric to choose by."""
    from ml.tabular import metrics

    return metrics.resolve(metric, schema, "Choice/metric")


def _store_leaderboard(step: Step, board) -> None:
    path = step.work / "leaderboard.csv"
    board.to_csv(path, index=False)
    step.artifact(f"{names.ARTIFACT_LEADERBOARD}_csv", path)
    step.artifact_json(names.ARTIFACT_LEADERBOARD, board.to_dict(orient="records"))


def _report_nothing_trained(step: Step, run_id: str, failed: list[Failed]) -> None:
    from ml import report

    page = step.work / "report.html"
    page.write_text(report.failure_page(run_id, failed), "utf-8")
    step.artifact(names.ARTIFACT_REPORT, page)
    why = "; ".join(map(str, failed))
    step.properties(**{names.PROPERTY_FAILED_MODELS: why})
    classes = {one.failure_class for one in failed}
    raise UserError(
        f"none of the {len(failed)} models was trained: {why}",
        where=f"run {run_id}",
        mend="mend what the models' messages name, and start a new run",
        failure_class=classes.pop() if len(classes) == 1 else "code",
    )
