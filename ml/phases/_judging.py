"""How training judges a model before it is fitted for good: by tuning, and by cross-validation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ml.phases._folds import AUTO_FOLDS, AUTO_MOST_ROWS, fixed
from ml.runtime.parameters import json_object

if TYPE_CHECKING:
    from ml.phases.training import Parameters
    from ml.runtime.step import Step
    from ml.tabular.learning.recipes import Recipe, Samples
    from ml.tabular.learning.tuning import Tuning
    from ml.tabular.preparation.split_plan import SplitPlan
    from ml.tabular.preparation.splitting import Parts
    from ml.tabular.schema import Schema

ARTIFACT_TRIALS = "trials"


@dataclass(frozen=True)
class Division:
    """How training and validation part are divided for cross-validation.

    Parameters
    ----------
    count : int
        Folds, 2 or more.
    plan : SplitPlan
        How the parts were made.
    """

    count: int
    plan: SplitPlan


def division(step: Step, parts: Parts, schema: Schema, parameters: Parameters) -> Division | None:
    """How to cross-validate a model; None where it is not to be.

    What is decided here depends on the data alone, so that all models of a run are compared over
    the same folds.
    """
    count = fixed(parameters.Model.folds)
    rows = len(parts.train) + len(parts.validation)
    if count == 0 or (count is None and rows > AUTO_MOST_ROWS):
        return None
    from ml.tabular.preparation.split_plan import SplitPlan

    where = "Input/preprocessing_task"
    task = parameters.Input.preprocessing_task
    plan = SplitPlan.model_validate(step.fetch_json(task, "split", where))
    if count is not None:
        return Division(count, plan)
    import pandas as pd

    from ml.tabular.learning.validation import why_not

    together = pd.concat([parts.train, parts.validation])
    reason = why_not(together, schema, plan, AUTO_FOLDS, parameters.Model.seed)
    if reason:
        step.log(f"no cross-validation: {reason}")
        return None
    return Division(AUTO_FOLDS, plan)


def judged(
    step: Step,
    recipe: Recipe,
    samples: Samples,
    parts: Parts,
    schema: Schema,
    metric: str,
    parameters: Parameters,
    divided: Division | None,
) -> tuple[Recipe, Tuning | None, dict[str, Any] | None]:
    """The recipe to go on with, how it was found, and what cross-validation says of it.

    The folds that choose among trials are others than those by which models are compared: the best
    of many values is better than the model is.

    Parameters
    ----------
    step : Step
        Keeps the table of trials.
    recipe : Recipe
        As its user asked for it.
    samples : Samples
        Of `parts`.
    parts : Parts
    schema : Schema
    metric : str
        What is tuned for.
    parameters : Parameters
        Of training.
    divided : Division or None
        As :func:`division` gives it.
    """
    if divided is None and not parameters.Tuning.trials:
        return recipe, None, None
    import pandas as pd

    from ml.tabular.learning import validation

    rows = None if divided is None else pd.concat([parts.train, parts.validation])

    def folds(seed: int) -> Iterator[validation.Fold]:
        return validation.prepared_folds(rows, schema, divided.plan, divided.count, seed)

    seed, tuning = parameters.Model.seed, None
    if parameters.Tuning.trials:
        # each trial is judged by the same folds
        by = [] if divided is None else list(folds(seed + 1))
        tuning = _tuned(step, recipe, samples, by, schema, metric, parameters)
        recipe = tuning.recipe
        del by
        _tell_optimistic(step, divided)
    if divided is None:
        return recipe, tuning, None
    found = validation.cross_validate(recipe, folds(seed), schema)
    if metric in found:
        step.log(
            f"cross-validation in {divided.count} folds: {metric} {found[metric]['mean']:.6g} "
            f"± {found[metric]['std']:.3g}"
        )
    return recipe, tuning, {"folds": divided.count, "metrics": found}


def _tell_optimistic(step: Step, divided: Division | None) -> None:
    if divided is None:
        what = "the validation score"
    elif divided.plan.strategy == "time":
        # time alone makes these folds, whatever the seed
        what = "the score of cross-validation"
    else:
        return
    step.log(f"note: {what} has been tuned on, so it is optimistic; the test score is not")


def tuning_record(tuning: Tuning | None) -> dict[str, Any] | None:
    """What the metrics say of the tuning, if there was any."""
    if tuning is None:
        return None
    return {
        "trials": len(tuning.trials),
        "failed": int(tuning.trials["value"].isna().sum()),
        "seconds": round(tuning.seconds, 3),
        "metric": tuning.metric,
        "best": tuning.best,
        "stopped_by": tuning.stopped_by,
    }


def _tuned(
    step: Step,
    recipe: Recipe,
    samples: Samples,
    folds: list[Any],
    schema: Schema,
    metric: str,
    parameters: Parameters,
) -> Tuning:
    from ml.tabular.learning import validation
    from ml.tabular.learning.tuning import tune

    by = folds or [validation.Fold(samples.train, samples.validation)]

    def objective(candidate: Recipe) -> float:
        return validation.mean_score(candidate, by, schema, metric)

    tuning = tune(
        recipe,
        objective,
        metric,
        trials=parameters.Tuning.trials,
        seconds=parameters.Tuning.seconds,
        fixed=json_object(parameters.Model.parameters),
        log=step.log,
    )
    path = step.work / f"{ARTIFACT_TRIALS}.csv"
    tuning.trials.to_csv(path, index=False)
    step.artifact(ARTIFACT_TRIALS, path)
    return tuning
