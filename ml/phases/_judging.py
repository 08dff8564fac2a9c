"""How training judges a model before it is fitted for good: by tuning, and by cross-validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ml.runtime.parameters import json_object

if TYPE_CHECKING:
    from ml.phases.training import Parameters
    from ml.runtime.step import Step
    from ml.tabular.learning.recipes import Recipe, Samples
    from ml.tabular.learning.tuning import Tuning
    from ml.tabular.preparation.splitting import Parts
    from ml.tabular.schema import Schema

ARTIFACT_TRIALS = "trials"


def judged(
    step: Step,
    recipe: Recipe,
    samples: Samples,
    parts: Parts,
    schema: Schema,
    metric: str,
    parameters: Parameters,
) -> tuple[Recipe, Tuning | None, dict[str, Any] | None]:
    """The recipe to go on with, how it was found, and what cross-validation says of it.

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
    """
    count = parameters.Model.folds
    if not count and not parameters.Tuning.trials:
        return recipe, None, None
    import pandas as pd

    from ml.tabular.learning import validation
    from ml.tabular.preparation.split_plan import SplitPlan

    folds: Any = ()
    if count:
        plan = SplitPlan.model_validate(
            step.fetch_json(
                parameters.Input.preprocessing_task, "split", "Input/preprocessing_task"
            )
        )
        rows = pd.concat([parts.train, parts.validation])
        folds = validation.prepared_folds(rows, schema, plan, count, parameters.Model.seed)
    tuning = None
    if parameters.Tuning.trials:
        # each trial is judged by the same folds
        folds = list(folds)
        tuning = _tuned(step, recipe, samples, folds, schema, metric, parameters)
        recipe = tuning.recipe
    if not count:
        return recipe, tuning, None
    found = validation.cross_validate(recipe, folds, schema)
    if metric in found:
        step.log(
            f"cross-validation in {count} folds: {metric} {found[metric]['mean']:.6g} "
            f"± {found[metric]['std']:.3g}"
        )
    return recipe, tuning, {"folds": count, "metrics": found}


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
