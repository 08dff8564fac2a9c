"""inference-summary: what a run predicted, on one page with how its model was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from ml.phases import _evidence
from ml.phases.training_summary import ARTIFACT_FIGURES, reason
from ml.phases.training_summary import NAME as TRAINING_SUMMARY
from ml.runtime import conventions as names
from ml.runtime.errors import UserError
from ml.runtime.failures import describe
from ml.runtime.parameters import Section
from ml.runtime.phase import Phase

if TYPE_CHECKING:
    from ml.report.provenance import Ran
    from ml.runtime.step import Outcome, Step

NAME = "inference-summary"
# of all that a run predicted, the report shows so many: it is to be mailed
_MAX_PLOTS = 6


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
    from ml.report import predictions

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
    cautions = [text for record in records for text in predictions.cautions(record)]
    step.artifact_json(
        names.ARTIFACT_SUMMARY, {"run_id": run_id, "inferences": records, "warnings": cautions}
    )
    table = predictions.overview(records)
    step.table("inferences", table)
    _write_report(step, run_id, outcomes, records)
    if not done:
        raise UserError(
            "no inference succeeded: " + "; ".join(record["failure"] for record in records),
            where=f"run {run_id}",
            mend="mend what the messages name, and start a new run",
            failure_class=records[0]["failure_class"],
        )
    step.properties(
        **{
            names.PROPERTY_MODEL: done[0].get("model", ""),
            names.PROPERTY_ROWS: sum(record.get("rows") or 0 for record in done),
        }
    )
    step.log(table.to_string(index=False))
    for text in cautions:
        step.log(f"warning: {text}")


def _record(step: Step, outcome: Outcome) -> dict[str, Any]:
    base = {"task": outcome.reference, "phase": outcome.phase}
    if not outcome.is_finished:
        failure_class, failure = reason(outcome)
        return {**base, "failure_class": failure_class, "failure": failure}
    try:
        summary = step.fetch_json(outcome.reference, names.ARTIFACT_SUMMARY, "Input/run_id")
        return {**base, **summary}
    except Exception as error:
        cause = describe(error)
        why = f"its summary cannot be read: {cause.summary}"
        return {**base, "failure_class": cause.failure_class, "failure": why}


def _write_report(
    step: Step, run_id: str, outcomes: list[Outcome], records: list[dict[str, Any]]
) -> None:
    from ml import report

    summaries = [one for one in outcomes if one.phase == TRAINING_SUMMARY and one.is_finished]
    if not summaries:
        step.log("warning: there is no report: the run has no finished training-summary")
        return
    last = summaries[-1].reference
    record = _evidence.optional_json(step, last, names.ARTIFACT_SUMMARY)
    if record is None:
        step.log(f"warning: there is no report: the summary of {last} cannot be read")
        return
    figures = _evidence.optional_json(step, last, ARTIFACT_FIGURES) or {}
    page = step.work / "report.html"
    page.write_text(
        report.run_page(
            record, figures, records, _plots(step, records), [_ran(step, one) for one in outcomes]
        ),
        "utf-8",
    )
    step.artifact(names.ARTIFACT_REPORT, page)


def _plots(step: Step, records: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The plots that inference steps left for the report, by title; the latest few."""
    found: dict[str, list[dict[str, Any]]] = {}
    for record in reversed(records):
        left = _evidence.optional_json(step, record["task"], ARTIFACT_FIGURES) or {}
        for title, group in left.items():
            # steps alike: each more has its number
            alike = sum(known.startswith(title) for known in found)
            found[f"{title} ({alike + 1})" if alike else title] = group
        if len(found) >= _MAX_PLOTS:
            step.log(f"the report shows the plots of the latest {len(found)} predictions")
            break
    return dict(reversed(found.items()))


def _ran(step: Step, outcome: Outcome) -> Ran:
    from ml.catalog import PHASES
    from ml.report.provenance import Ran
    from ml.runtime.parameters import flatten

    made = _evidence.optional_json(step, outcome.reference, names.ARTIFACT_FINGERPRINT) or {}
    given = made.get("parameters")
    if given is None:
        kept = _evidence.optional_json(step, outcome.reference, names.ARTIFACT_CONFIGURATION) or {}
        given = kept.get("parameters") or {}
    phase = PHASES.get(outcome.phase)
    defaults = flatten(phase.parameters()) if phase else {}
    changed = {path: text for path, text in given.items() if defaults.get(path) != text}
    return Ran(outcome, made, given, changed)
