"""inference-summary: what a run predicted, on one page with how its model was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from ml.phases.inference_batch import TEST_PART, figure
from ml.phases.training_summary import NAME as TRAINING_SUMMARY
from ml.phases.training_summary import best_schema, reason
from ml.runtime import conventions as names
from ml.runtime.errors import UserError
from ml.runtime.parameters import Section
from ml.runtime.phase import Phase

if TYPE_CHECKING:
    from ml.runtime.step import Outcome, Step

NAME = "inference-summary"


class InputFields(Section):
    """What to summarise."""

    run_id: str = Field("", description="the run whose predictions to summarise")


class Parameters(BaseModel):
    """Of inference-summary."""

    Input: InputFields = InputFields()


PHASE = Phase(
    name=NAME,
    task_type="custom",
    help="Summarise the predictions of a run, and write its report.",
    parameters=Parameters,
    entry="ml.phases.inference_summary:run",
    order=70,
)


def run(step: Step, parameters: Parameters) -> None:
    """Gather the run's inference steps, failed ones too, and write the report."""
    import pandas as pd

    run_id = parameters.Input.run_id or step.run_id
    outcomes = step.outcomes(run_id, "Input/run_id")
    inferences = [
        one
        for one in outcomes
        if one.phase.startswith("inference-") and one.phase != NAME and not one.is_pending
    ]
    if not inferences:
        raise UserError(
            f"the run {run_id!r} has no inference step that has ended",
            where="Input/run_id",
            mend="name a run that predicted something",
        )
    records = [_record(step, one) for one in inferences]
    done = [record for record in records if "failure" not in record]
    step.artifact_json(names.ARTIFACT_SUMMARY, {"run_id": run_id, "inferences": records})
    table = pd.DataFrame(
        [
            {
                "phase": record["phase"],
                "model": record.get("model", ""),
                "source": record.get("source", ""),
                "rows": record.get("rows", ""),
                "result": record.get("failure") or _result(record),
            }
            for record in records
        ]
    )
    step.table("inferences", table)
    if not done:
        raise UserError(
            "no inference succeeded: " + "; ".join(record["failure"] for record in records),
            where=f"run {run_id}",
            mend="mend what the messages name, and start a new run",
            failure_class=records[0]["failure_class"],
        )
    # the report shows the best model on the test part already: the batch step on it adds nothing
    elsewhere = {record["task"] for record in done if record.get("source") != TEST_PART}
    plotted = [one for one in inferences if one.reference in elsewhere]
    _write_report(step, outcomes, table, plotted)
    step.properties(
        **{
            names.PROPERTY_MODEL: done[0]["model"],
            names.PROPERTY_ROWS: sum(record["rows"] for record in done),
        }
    )
    step.log(table.to_string(index=False))


def _record(step: Step, outcome: Outcome) -> dict[str, Any]:
    base = {"task": outcome.reference, "phase": outcome.phase}
    if outcome.is_finished:
        summary = step.fetch_json(outcome.reference, names.ARTIFACT_SUMMARY, "Input/run_id")
        return {**base, **summary}
    failure_class, failure = reason(outcome)
    return {**base, "failure_class": failure_class, "failure": failure}


def _result(record: dict[str, Any]) -> str:
    if "prediction" in record:
        return str(record["prediction"])
    shown = record["scores"] or record["predictions"]
    return ", ".join(f"{name} {number:.6g}" for name, number in shown.items())


def _write_report(step: Step, outcomes: list[Outcome], table, inferences: list[Outcome]) -> None:
    import pandas as pd

    from ml import report
    from ml.tabular import comparison, plots

    summaries = [one for one in outcomes if one.phase == TRAINING_SUMMARY and one.is_finished]
    if not summaries:
        return
    where = "Input/run_id"
    record = step.fetch_json(summaries[-1].reference, names.ARTIFACT_SUMMARY, where)
    board = pd.DataFrame(record["leaderboard"], columns=list(comparison.COLUMNS))
    best = record["best"]["task"]
    metrics = step.fetch_json(best, "metrics", where)
    schema = best_schema(step, metrics["preprocessing_task"])
    predictions = pd.read_parquet(step.fetch(best, names.ARTIFACT_PREDICTIONS, where))
    batches = [
        (one.name, figure(pd.read_parquet(step.fetch(one.reference, "predictions", where)), schema))
        for one in inferences
        if one.phase == "inference-batch"
    ]
    page = step.work / "report.html"
    page.write_text(
        report.run_page(
            record,
            plots.comparison(board, record["metric"]),
            plots.fit_quality(predictions, schema),
            table,
            batches,
            outcomes,
        ),
        "utf-8",
    )
    step.artifact(names.ARTIFACT_REPORT, page)
