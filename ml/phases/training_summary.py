"""training-summary: which model is best, how the others did, what failed and why."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import BaseModel, Field

from ml.phases import _evidence
from ml.phases.training import ARTIFACT_METRICS
from ml.runtime import conventions as names
from ml.runtime.errors import UserError
from ml.runtime.failures import describe, tells_of_memory
from ml.runtime.metric_names import AUTO, Metric
from ml.runtime.parameters import Section
from ml.runtime.phase import Phase

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from ml.runtime.step import Outcome, Step
    from ml.tabular.summary.comparison import Failed, Trained

NAME = "training-summary"
ARTIFACT_IMPORTANCE = "importance"
ARTIFACT_FIGURES = "figures"

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
    from ml.tabular.summary import comparison, explaining, run_plots, wording

    run_id = parameters.Input.run_id or step.run_id
    trained, failed, left_out = gather(step, run_id)
    if not trained:
        _report_nothing_trained(step, run_id, failed)
    metric = resolve_metric(
        parameters.Choice.metric, schema_of(step, trained[0].preprocessing_task)
    )
    warnings: list[str] = []
    trained, model = _evidence.usable_best(step, trained, failed, metric, warnings)
    if not trained:
        _report_nothing_trained(step, run_id, failed)

    board = comparison.leaderboard(trained, metric)
    best = comparison.records(board)[0]
    chosen = next(one for one in trained if one.task == best["task"])
    prepared, scores = chosen.preprocessing_task, chosen.test
    schema = schema_of(step, prepared)
    predictions = _evidence.test_predictions(step, board, warnings)
    found, features = None, None
    if model is not None:
        found, features = _evidence.explained(step, model, prepared, warnings)
    baseline, rows = {}, None
    if best["model"] in predictions:
        truth = predictions[best["model"]]["truth"]
        rows = len(truth)
        baseline = _evidence.baseline(step, prepared, truth, schema, warnings)
    shares = None if found is None else explaining.importance(found)
    folds = comparison.common_folds(trained, metric)
    tied = comparison.as_good(board, folds)
    simplest = comparison.simplest(board, tied)
    record = {
        "run_id": run_id,
        "dataset": schema.name,
        "target": schema.target,
        "kind": schema.kind,
        "rows": schema.rows,
        "metric": metric,
        "best": best,
        "chosen_by": wording.chosen_by(folds),
        "as_good": {
            "models": tied,
            "simplest": simplest,
            "said": wording.caution(tied, simplest, folds),
        },
        "headline": [
            *wording.headline(best, metric, schema, scores, baseline, rows),
            *wording.choice(best["model"], len(board), folds),
        ],
        "baseline": {"predicts": wording.baseline_name(schema), "test": baseline},
        "leaderboard": comparison.records(board),
        "failed": comparison.failed_table(failed).to_dict(orient="records"),
        "left_out": {one.model: one.failure for one in left_out},
        "explanation": _explanation(found, shares, features, schema),
        "warnings": warnings,
        "data": _evidence.data_facts(step, prepared, schema),
    }
    figures = run_plots.figures(board, metric, baseline.get(metric), predictions, shares, schema)
    _store(step, record, board, shares, figures)
    _show(step, record, board, failed, figures)


def gather(step: Step, run_id: str) -> tuple[list[Trained], list[Failed], list[Failed]]:
    """The run's models: trained, failed, and left out.

    A model whose metrics cannot be read is a failed one.

    Raises
    ------
    UserError
        When the run has no training step that has ended.
    """
    from ml.tabular.summary.comparison import Failed, Trained

    trained, failed, left_out = [], [], []
    for outcome in step.outcomes(run_id, "Input/run_id"):
        # a clone that nobody has run, or that still runs, is no failed model
        if outcome.phase != "training" or outcome.is_pending:
            continue
        model = outcome.properties.get(names.PROPERTY_MODEL, outcome.name)
        if not outcome.is_finished:
            failure_class, failure = reason(outcome)
            failed.append(Failed(model, outcome.reference, failure_class, failure))
            continue
        if why := outcome.properties.get(names.PROPERTY_LEFT_OUT):
            left_out.append(Failed(model, outcome.reference, "override", why))
            continue
        try:
            record = step.fetch_json(outcome.reference, ARTIFACT_METRICS, "Input/run_id")
            one = Trained.of(record, outcome.reference, outcome.queue, outcome.worker)
        except Exception as error:
            cause = describe(error)
            why = f"its metrics cannot be read: {cause.summary}"
            failed.append(Failed(model, outcome.reference, cause.failure_class, why))
            continue
        trained.append(one)
    if not trained:
        # what is left out beside others is no failure; alone it is
        failed += left_out
        left_out = []
    if not trained and not failed:
        raise UserError(
            f"the run {run_id!r} has no training step that has ended",
            where="Input/run_id",
            mend="name a run that trained a model",
        )
    return trained, failed, left_out


def reason(outcome: Outcome) -> tuple[str, str]:
    """Class and message of a step that did not finish."""
    failure = outcome.properties.get(names.PROPERTY_FAILURE)
    if failure:
        failure_class = outcome.properties.get(names.PROPERTY_FAILURE_CLASS, "code")
        if failure_class == "code" and tells_of_memory(failure):
            failure_class = "resource"
        return failure_class, failure
    # the step could not say it itself: it was killed, or never ran
    said = f" ({outcome.message})" if outcome.message else ""
    if _KILLED.search(outcome.message):
        return "resource", f"killed{said}: most often for want of memory"
    return "infrastructure", f"{outcome.status} before it could say why{said}"


def schema_of(step: Step, preprocessing_task: str):
    """The schema that models were trained by."""
    from ml.tabular.schema import Schema

    return Schema.model_validate(step.fetch_json(preprocessing_task, "schema", "Input/run_id"))


def resolve_metric(metric: str, schema) -> str:
    """The metric to choose by."""
    from ml.tabular.learning import metrics

    return metrics.resolve(metric, schema, "Choice/metric")


def _explanation(found, shares, features, schema) -> dict[str, Any] | None:
    from ml.tabular.summary import wording

    if found is None:
        return None
    return {
        "output": found.output,
        "method": found.method,
        "rows": len(found.contributions),
        "said": wording.explanation(shares, found, features, schema),
    }


def _store(step: Step, record, board, shares, figures: dict[str, list[go.Figure]]) -> None:
    from ml import report

    step.artifact_json(names.ARTIFACT_SUMMARY, record)
    step.artifact_json(names.ARTIFACT_LEADERBOARD, record["leaderboard"])
    path = step.work / "leaderboard.csv"
    board.to_csv(path, index=False)
    step.artifact(f"{names.ARTIFACT_LEADERBOARD}_csv", path)
    if shares is not None:
        step.artifact_json(ARTIFACT_IMPORTANCE, {name: float(one) for name, one in shares.items()})
    # the run's report shows them again, and the models' predictions are not read twice
    drawn = {
        title: [json.loads(figure.to_json()) for figure in group]
        for title, group in figures.items()
    }
    step.artifact_json(ARTIFACT_FIGURES, drawn)
    page = step.work / "report.html"
    page.write_text(report.training_page(record, drawn), "utf-8")
    step.artifact(names.ARTIFACT_REPORT, page)


def _show(
    step: Step, record, board, failed: list[Failed], figures: dict[str, list[go.Figure]]
) -> None:
    from ml.tabular.plot_style import side_by_side
    from ml.tabular.summary import comparison

    shown = comparison.shown(board, record["metric"])
    if failed:
        step.table("failed models", comparison.failed_table(failed))
    step.table("leaderboard", shown)
    for title, group in figures.items():
        whole = group[0] if len(group) == 1 else side_by_side(group)
        step.plot(title, whole)
    best = record["best"]
    score = best["validation"]
    step.properties(
        **{
            names.PROPERTY_DATASET: record["dataset"],
            names.PROPERTY_TARGET: record["target"],
            names.PROPERTY_BEST_MODEL: best["model"],
            names.PROPERTY_METRIC: record["metric"],
            names.PROPERTY_SCORE: "none" if score is None else score,
            names.PROPERTY_FAILED_MODELS: "; ".join(map(str, failed)) or "none",
        }
    )
    step.log(shown.to_string(index=False))
    for text in (*record["headline"], record["as_good"]["said"]):
        if text:
            step.log(text)
    for one in failed:
        step.log(f"failed: {one}")
    for why in record["left_out"].values():
        step.log(f"left out: {why}")
    for warning in record["warnings"]:
        step.log(f"warning: {warning}")


def _report_nothing_trained(step: Step, run_id: str, failed: list[Failed]) -> NoReturn:
    from ml import report
    from ml.tabular.summary import comparison

    table = comparison.failed_table(failed)
    step.table("failed models", table)
    step.artifact_json(
        names.ARTIFACT_SUMMARY,
        {"run_id": run_id, "best": None, "leaderboard": [], "failed": table.to_dict("records")},
    )
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
