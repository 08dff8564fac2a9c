"""inference-optimize: find the inputs for which a model predicts most, least or a given value."""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, create_model

from ml.phases import _serving
from ml.runtime import conventions as names
from ml.runtime.errors import UserError
from ml.runtime.failures import describe
from ml.runtime.parameters import JsonText, Section, json_list, json_object
from ml.runtime.phase import Phase

if TYPE_CHECKING:
    import pandas as pd

    from ml.runtime.step import Step
    from ml.tabular.expressions import Expression
    from ml.tabular.learning.fitted_model import FittedModel
    from ml.tabular.schema import Schema
    from ml.tabular.serving.optimizing import Goal, Search
    from ml.tabular.serving.search_space import Space

ARTIFACT_OPTIMUM = "optimum"
ARTIFACT_TRIALS = "trials"
MAX_OTHERS = 5
# rows of the training part that the search begins with
_BEGUN_WITH = 2000
_CONSTRAINT_EXAMPLE = '["a + b <= 10"]'
_SPELLINGS = {"maximise": "maximize", "minimise": "minimize"}


def constraint_texts(text: str) -> list[str]:
    """The constraints in a field's text; an empty text has none.

    Raises
    ------
    ValueError
        It is no JSON list of texts.
    """
    found = json_list(text, _CONSTRAINT_EXAMPLE)
    if not all(isinstance(one, str) for one in found):
        raise ValueError(f"is not a JSON list of texts such as {_CONSTRAINT_EXAMPLE}")
    return found


def _is_constraints(text: str) -> str:
    constraint_texts(text)
    return text


def _is_number_or_empty(text: str) -> str:
    try:
        finite = not text or math.isfinite(float(text))
    except ValueError:
        finite = False
    if not finite:
        raise ValueError(f"Goal/value is no number: {text!r}")
    return text


def _spelled(text: Any) -> Any:
    return _SPELLINGS.get(text, text) if isinstance(text, str) else text


class _Goal(Section):
    """What is wanted of the target."""

    direction: Annotated[Literal["maximize", "minimize", "reach"], BeforeValidator(_spelled)] = (
        Field("maximize", description="what to do with the target, or with a class's probability")
    )
    value: Annotated[str, AfterValidator(_is_number_or_empty)] = Field(
        "", description="the number to reach, where direction is reach"
    )


# a word of Python's is the word that users know
GoalFields = create_model(
    "GoalFields",
    __base__=_Goal,
    **{
        "class": (
            str,
            Field("", description="class whose probability counts; of two, empty is the second"),
        )
    },
)


class SearchFields(Section):
    """Where and how long to look."""

    ranges: JsonText = Field(
        "",
        description='where columns may be, as JSON, such as {"temp": [20, 80], "kind": ["a", '
        '"b"]}; others keep within the middle 98 % of the training rows',
    )
    fixed: JsonText = Field(
        "", description='columns that keep one value, as JSON, such as {"site": "Kobe"}'
    )
    constraints: Annotated[str, AfterValidator(_is_constraints)] = Field(
        "", description='JSON list of conditions to meet, such as ["a + b <= 10", "`c d` != 0"]'
    )
    trials: int = Field(200, ge=1, le=100_000, description="points to try")
    seconds: int = Field(
        0, ge=0, le=86400, description="time to stop after, at the latest; 0 is no limit"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of the search")


class Parameters(BaseModel):
    """Of inference-optimize."""

    Input: _serving.ModelSource = _serving.ModelSource()
    Goal: GoalFields = GoalFields()
    Search: SearchFields = SearchFields()


PHASE = Phase(
    name="inference-optimize",
    task_type="optimizer",
    help="Find inputs for which a run's best model predicts most, least or a given value.",
    parameters=Parameters,
    entry="ml.phases.inference_optimize:run",
    order=65,
    from_run=True,
)


def run(step: Step, parameters: Parameters) -> None:
    """Search, look at how sure the model is of what was found, and show both."""
    from ml.tabular.conforming import conform
    from ml.tabular.serving import optimizing, optimum

    asked = parameters.Search
    served = _serving.served_model(step, parameters.Input)
    schema = served.model.schema
    goal = goal_of(parameters.Goal, schema)
    constraints = _constraints(asked.constraints, schema)
    known = _known(step, served)
    rows = _serving.training_rows(step, served, _BEGUN_WITH, asked.seed)
    training = conform(rows, schema, "the training part")
    space = _space(asked, schema, known, training)
    for text in space.cautions:
        step.log(f"note: {text}")
    _check_constraints(constraints, training)
    found = optimizing.search(
        served.model,
        goal,
        space,
        constraints,
        training,
        trials=asked.trials,
        seconds=asked.seconds,
        seed=asked.seed,
    )
    others = _others(step, served, parameters.Input.run_id)
    points = optimum.points(found, goal, schema, known, training, others)
    _report(step, served, goal, space, constraints, found, points, known)


def goal_of(given: Any, schema: Schema) -> Goal:
    """The goal that the fields name, for a target of this kind.

    Raises
    ------
    UserError
        A class of a number, a number of a class, a class that there is not, or no value to reach.
    """
    from ml.tabular.serving.optimizing import Goal

    label, value = getattr(given, "class"), float(given.value) if given.value else None
    if not schema.is_classification:
        if label:
            raise UserError(
                f"the target {schema.target} is a number: it has no class {label!r}",
                where="Goal/class",
                mend="leave the field empty",
            )
        if (given.direction == "reach") != (value is not None):
            raise UserError(
                "there is no value to reach"
                if value is None
                else f"a value is reached, but the direction is {given.direction}",
                where="Goal/direction, Goal/value",
                mend="set both: reach, and a value; or leave the value empty",
            )
        return Goal(given.direction, value)
    if given.direction == "reach" or value is not None:
        raise UserError(
            f"the target {schema.target} is a class: there is no value to reach",
            where="Goal/direction, Goal/value",
            mend=f"maximize the probability of one of: {', '.join(schema.classes)}",
        )
    if not label and schema.kind == "binary":
        label = schema.classes[1]
    if label not in schema.classes:
        close = difflib.get_close_matches(label, schema.classes, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise UserError(
            f"there is no class {label!r}{hint}" if label else "no class is named",
            where="Goal/class",
            mend=f"name one of: {', '.join(schema.classes)}",
        )
    return Goal(given.direction, label=label)


def _known(step: Step, served: _serving.Served) -> dict[str, Any]:
    known = _serving.reference(step, served)
    if known is None:
        raise UserError(
            "it is not known within which ranges the model was trained",
            where="Input/training_task",
            mend="name a model that was trained after a present preprocessing",
            failure_class="data-access",
        )
    return known


def _space(asked: SearchFields, schema: Schema, known: dict[str, Any], training) -> Space:
    from ml.tabular.serving import search_space

    texts = {name: training[name].mode() for name in schema.of_kind("text")}
    usual = {name: str(found.iloc[0]) if len(found) else None for name, found in texts.items()}
    return search_space.space(
        schema, known["columns"], json_object(asked.ranges), json_object(asked.fixed), usual
    )


def _constraints(text: str, schema: Schema) -> list[Expression]:
    from ml.tabular import expressions

    where = "Search/constraints"
    found = [expressions.parse(one, schema.features, where) for one in constraint_texts(text)]
    for one in found:
        if not one.is_condition:
            raise UserError(
                f"{one.text!r} is no condition",
                where=where,
                mend="compare it, such as a + b <= 10",
            )
    return found


def _check_constraints(constraints: list[Expression], training: pd.DataFrame) -> None:
    for one in constraints:
        try:
            one.violation(training.head(1))
        except UserError as error:
            raise UserError(
                f"{one.text!r}: {error.what}", where="Search/constraints", mend=error.mend
            ) from None


def _others(step: Step, served: _serving.Served, run_id: str) -> dict[str, FittedModel]:
    """The run's other models, which tell where the best one stands alone."""
    if not run_id:
        step.log("note: no other models are asked: Input/run_id names no run")
        return {}
    others: dict[str, FittedModel] = {}
    for outcome in step.outcomes(run_id, "Input/run_id"):
        is_other = outcome.phase == "training" and outcome.reference != served.task
        if not is_other or not outcome.is_finished or len(others) == MAX_OTHERS:
            continue
        try:
            other = _serving.load_model(step, outcome.reference, "Input/run_id").model
        except Exception as error:
            step.log(f"note: {outcome.name} is not asked: {describe(error).summary}")
            continue
        if other.schema.columns == served.model.schema.columns:
            others[other.name] = other
    return others


def _report(
    step: Step,
    served: _serving.Served,
    goal: Goal,
    space: Space,
    constraints: list[Expression],
    found: Search,
    points: list[dict[str, Any]],
    known: dict[str, Any],
) -> None:
    from ml.tabular.serving import optimum, serving_plots

    schema, best = served.model.schema, points[0]
    output = f"probability of {goal.label}" if goal.label else f"predicted {schema.target}"
    asked = f"{goal.direction} {output.removeprefix('predicted ')}"
    asked += "" if goal.value is None else f" = {goal.value:.6g}"
    allowed = int(found.trials["allowed"].sum())
    record = {
        "source": asked,
        "model": served.model.name,
        "training_task": served.task,
        "rows": len(found.trials),
        "allowed": allowed,
        "stopped_by": found.stopped_by,
        "prediction": best["value"],
        **{name: best[name] for name in ("low", "high") if name in best},
        "inputs": best["inputs"],
        "warnings": best["caution"],
    }
    step.artifact_json(
        ARTIFACT_OPTIMUM,
        {
            "goal": asked,
            "points": points,
            "searched": space.described(),
            "constraints": [one.text for one in constraints],
        },
    )
    step.artifact_json(names.ARTIFACT_SUMMARY, record)
    path = step.work / "trials.parquet"
    found.trials.to_parquet(path, index=False)
    step.artifact(ARTIFACT_TRIALS, path)
    table = optimum.table(points, output)
    step.table("best points", table)
    progress = serving_plots.search_progress(found.trials, output, goal.value)
    places = serving_plots.places_in_training(found.points, known["columns"])
    step.plot("progress", progress)
    step.plot("best points in training", places)
    _serving.keep_figures(step, {f"Search: {asked}": progress})
    step.value(output, best["value"])
    step.properties(
        **{
            names.PROPERTY_MODEL: served.model.name,
            names.PROPERTY_ROWS: len(found.trials),
            names.PROPERTY_TARGET: schema.target,
            names.PROPERTY_PREDICTION: best["value"],
            names.PROPERTY_CAUTION: "; ".join(best["caution"]) or "none",
        }
    )
    step.log(table.to_string(index=False))
    for text in best["caution"]:
        step.log(f"warning: {text}")
    step.log(f"{asked}: {best['value']:.6g} after {len(found.trials)} trials ({allowed} allowed)")
