"""inference-single: predict one record, and say why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from ml.phases import _serving
from ml.runtime import conventions as names
from ml.runtime.errors import UserError
from ml.runtime.parameters import FreeSection, JsonText, json_object
from ml.runtime.phase import Phase

if TYPE_CHECKING:
    import pandas as pd

    from ml.runtime.step import Step
    from ml.tabular.summary.explaining import Explanation

ARTIFACT_EXPLANATION = "explanation"
EXPLAINED_BY_ROWS = 100
_EXAMPLE = '{"age": 41, "city": "Kobe"}'


class InputFields(_serving.ModelSource):
    """The model, and the record to predict."""

    record: JsonText = Field(
        "", description=f"one record as JSON, such as {_EXAMPLE}; or set a field of Record each"
    )
    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="seed of the training rows that the explanation draws"
    )


class RecordFields(FreeSection):
    """one field per column: its name is the column's, such as Record/age=41; before Input/record"""


class Parameters(BaseModel):
    """Of inference-single."""

    Input: InputFields = InputFields()
    Record: RecordFields = RecordFields()


PHASE = Phase(
    name="inference-single",
    task_type="inference",
    help="Predict one record with the best model of a run, and explain the prediction.",
    parameters=Parameters,
    entry="ml.phases.inference_single:run",
    order=50,
    from_run=True,
)


def run(step: Step, parameters: Parameters) -> None:
    """Check the record, predict, explain, show both."""
    from ml.tabular.serving import drift, records, row_forms
    from ml.tabular.summary import explaining

    given, texts = json_object(parameters.Input.record), parameters.Record.texts
    if not given and not texts:
        raise UserError(
            "there is no record to predict",
            where="Input/record, Record",
            mend=f"give one as JSON, such as {_EXAMPLE}, or its columns as fields of Record, "
            "such as Record/age=41",
        )
    served = _serving.served_model(step, parameters.Input)
    schema = served.model.schema
    known = _serving.reference(step, served)
    wheres = {name: f"Record/{name}" for name in texts}
    where = "Input/record" if given else "Record"
    edits, columns = _serving.replay(step, served), list({**given, **texts})
    edit = edits and row_forms.edits_to_do(columns, schema, edits, where)
    record = records.merged(given, texts, (edit or schema).of_kind("numeric"))
    edited = record
    if edit is not None:
        edited = records.edited(record, edit, wheres, where)
    notes = _serving.tell_edits(step, edits, done=edit is not None)
    features = records.conforming(edited, schema, wheres, where, records.example(schema, known))
    ignored = sorted(row_forms.unused(columns, schema, edit))
    warnings = [f"not used by the model: {', '.join(ignored)}"] if ignored else []
    unusual = drift.outside(features, known) if known else []

    predicted = served.model.predict_features(features).iloc[0].to_dict()
    seed = parameters.Input.seed
    row = features_as_rows(edited, schema.features)
    explanation = explaining.explain(
        served.model,
        row,
        lambda: _serving.training_rows(step, served, EXPLAINED_BY_ROWS, seed),
        where,
        seed,
    )
    shown = records.as_shown(features, schema)
    given = {"record": record, **({"edited": edited} if edit is not None else {})}
    said = {"notes": notes, "warnings": warnings + unusual}
    _store(step, served, given, predicted, said, unusual)
    _show(step, explanation, shown, known)
    step.properties(
        **{
            names.PROPERTY_MODEL: served.model.name,
            names.PROPERTY_ROWS: 1,
            names.PROPERTY_TARGET: schema.target,
            names.PROPERTY_PREDICTION: _in_words(predicted),
            names.PROPERTY_CAUTION: "; ".join(unusual) or "none",
        }
    )
    for text in (*warnings, *unusual):
        step.log(f"warning: {text}")
    step.log(f"{schema.target}: {_in_words(predicted)}")


def features_as_rows(record: dict[str, Any], columns: list[str]) -> pd.DataFrame:
    """A record as a frame of the model's columns, as they were given."""
    import pandas as pd

    return pd.DataFrame([{name: record[name] for name in columns}], dtype=object).infer_objects()


def _store(
    step: Step,
    served: _serving.Served,
    given: dict[str, dict[str, Any]],
    predicted: dict[str, Any],
    said: dict[str, list[str]],
    unusual: list[str],
) -> None:
    told = {"model": served.model.name, "training_task": served.task}
    step.artifact_json(
        names.ARTIFACT_PREDICTIONS, {**given, **told, **predicted, "caution": unusual}
    )
    step.artifact_json(
        names.ARTIFACT_SUMMARY,
        {"source": "one record", **told, "rows": 1, **predicted, **given, **said},
    )
    for name, number in predicted.items():
        if isinstance(number, float):
            step.value(name, number)


def _show(
    step: Step, explanation: Explanation, shown: dict[str, str], known: dict[str, Any] | None
) -> None:
    import pandas as pd

    from ml.tabular.serving import serving_plots

    added = explanation.contributions.iloc[0]
    base = float(explanation.base[0])
    table = pd.DataFrame(
        {
            "column": added.index,
            "value": [shown[name] for name in added.index],
            "usual in training": [_usual(known, name) for name in added.index],
            f"adds to {explanation.output}": added.to_numpy(),
        }
    )
    order = added.abs().sort_values(ascending=False, kind="stable").index
    table = table.set_index("column", drop=False).loc[order].reset_index(drop=True)
    step.artifact_json(
        ARTIFACT_EXPLANATION,
        {
            "output": explanation.output,
            "method": explanation.method,
            "base": base,
            "contributions": {name: float(added[name]) for name in order},
            "total": float(explanation.totals[0]),
        },
    )
    step.table("explanation", table)
    figure = serving_plots.waterfall(added, shown, base, explanation.output)
    step.plot("why", figure)
    _serving.keep_figures(step, {"Why one record is predicted so": figure})
    step.log(table.to_string(index=False))


def _usual(known: dict[str, Any] | None, name: str) -> str:
    from ml.tabular.serving import drift

    spread = known["columns"].get(name) if known else None
    if spread is None:
        return ""
    if spread["kind"] == "category":
        return ", ".join(spread["values"][:3]) + (" …" if len(spread["seen"]) > 3 else "")
    if spread["kind"] == "text" or not spread["quantiles"]:
        return ""
    low, _, high = spread["quantiles"]
    return f"{drift.shown(low, spread['kind'])} to {drift.shown(high, spread['kind'])}"


def _in_words(predicted: dict[str, Any]) -> str:
    """With the 90 % interval, or the probability of the class."""
    value = predicted["prediction"]
    if "low" in predicted:
        return f"{value:.6g} (90 %: {predicted['low']:.6g} to {predicted['high']:.6g})"
    if isinstance(value, float):
        return f"{value:.6g}"
    probability = predicted.get(f"probability of {value}")
    return str(value) if probability is None else f"{value} ({probability:.1%})"
