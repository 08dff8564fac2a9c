"""Looking for better parameters of a model, by Optuna."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Literal

import optuna
import pandas as pd

from ml.runtime.errors import UserError
from ml.runtime.metric_names import is_less_better
from ml.runtime.model import Choice, Range
from ml.tabular.learning.recipes import Recipe

_LOG_EVERY = 10


@dataclass(frozen=True)
class Tuning:
    """What came of looking.

    Parameters
    ----------
    recipe : Recipe
        With the best parameters.
    metric : str
    best : float
        The best value of the metric.
    trials : DataFrame
        One row per trial: ``trial``, ``value``, ``seconds``, ``failure`` and the parameters.
    seconds : float
    stopped_by : str
        ``trials``, or ``seconds`` where the time was over first: then the result depends on how
        fast the node is.
    """

    recipe: Recipe
    metric: str
    best: float
    trials: pd.DataFrame
    seconds: float
    stopped_by: Literal["trials", "seconds"]


def tune(
    recipe: Recipe,
    objective: Callable[[Recipe], float],
    metric: str,
    *,
    trials: int,
    seconds: float = 0.0,
    fixed: Collection[str] = (),
    log: Callable[[str], None] = print,
) -> Tuning:
    """Try parameters, those of the recipe first, then those that look best by what was tried.

    Parameters
    ----------
    recipe : Recipe
        Its model says where to look; its parameters are the first trial.
    objective : callable
        Recipe → value of the metric on rows that it is not fitted on.
    metric : str
    trials : int
        At most so many.
    seconds : float
        No trial begins after so long; 0 sets no limit.
    fixed : collection of str
        Parameters that keep the recipe's values: those that a user gave.
    log : callable
        Told about the progress, and about trials that fail.

    Raises
    ------
    UserError
        A model that has nothing to tune, a first trial that its user must mend, or only trials
        that fail.
    """
    space = {name: place for name, place in recipe.model.search.items() if name not in fixed}
    if not space:
        raise UserError(
            f"there is nothing to tune of the model {recipe.model.name}: "
            + ("each parameter is given" if recipe.model.search else "it says not where to look"),
            where="Tuning/trials",
            mend="set it to 0, or leave some of Model/parameters out",
        )
    started = time.perf_counter()
    study = _study(metric, recipe.seed)
    given = recipe.parameters.model_dump()
    study.enqueue_trial({name: given[name] for name in space})
    rows: list[dict[str, Any]] = []
    stopped_by: Literal["trials", "seconds"] = "trials"
    for number in range(trials):
        if seconds and number and time.perf_counter() - started >= seconds:
            stopped_by = "seconds"
            break
        rows.append(_try(study, recipe, space, objective, log))
        if (number + 1) % _LOG_EVERY == 0 or number + 1 == trials:
            log(_progress(rows, metric, trials))
    took = time.perf_counter() - started
    table = pd.DataFrame(rows)
    if table["value"].isna().all():
        raise UserError(
            f"each of the {len(rows)} trials failed, the last with: {rows[-1]['failure']}",
            where="Tuning/trials, Model/parameters",
            mend="train without tuning first (Tuning/trials=0)",
            failure_class="code",
        )
    best = study.best_trial
    if stopped_by == "seconds":
        log(
            f"tuning stopped after {took:.0f} s and {len(rows)} of {trials} trials: the result "
            "depends on how fast this node is"
        )
    return Tuning(
        recipe=_with(recipe, best.params),
        metric=metric,
        best=float(best.value),
        trials=table,
        seconds=took,
        stopped_by=stopped_by,
    )


def _study(metric: str, seed: int) -> optuna.Study:
    # its own words about each trial are in the table of trials
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(
        direction="minimize" if is_less_better(metric) else "maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
    )


def _try(
    study: optuna.Study,
    recipe: Recipe,
    space: dict[str, Range | Choice],
    objective: Callable[[Recipe], float],
    log: Callable[[str], None],
) -> dict[str, Any]:
    trial = study.ask()
    chosen = {name: _suggested(trial, name, place) for name, place in space.items()}
    started = time.perf_counter()
    value, failure = None, ""
    try:
        value = float(objective(_with(recipe, chosen)))
    except UserError as error:
        # the first trial is what the user asked for: what is wrong with it stays wrong
        if trial.number == 0:
            raise
        failure = error.what
    except Exception as error:
        failure = " ".join(f"{type(error).__name__}: {error}".split())
    if failure:
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        log(f"trial {trial.number} failed and is left out: {failure} ({chosen})")
    else:
        study.tell(trial, value)
    took = round(time.perf_counter() - started, 3)
    return {"trial": trial.number, "value": value, "seconds": took, "failure": failure, **chosen}


def _suggested(trial: optuna.Trial, name: str, place: Range | Choice) -> Any:
    if isinstance(place, Choice):
        return trial.suggest_categorical(name, place.values)
    if isinstance(place.low, int) and isinstance(place.high, int):
        return trial.suggest_int(name, place.low, place.high, log=place.log)
    return trial.suggest_float(name, place.low, place.high, log=place.log)


def _with(recipe: Recipe, chosen: dict[str, Any]) -> Recipe:
    given = recipe.parameters.model_dump()
    return replace(recipe, parameters=type(recipe.parameters)(**{**given, **chosen}))


def _progress(rows: list[dict[str, Any]], metric: str, trials: int) -> str:
    values = [row["value"] for row in rows if row["value"] is not None]
    if not values:
        return f"trial {len(rows)} of {trials}: none has succeeded"
    best = min(values) if is_less_better(metric) else max(values)
    return f"trial {len(rows)} of {trials}: best {metric} {best:.6g}, first {values[0]:.6g}"
