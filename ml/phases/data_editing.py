"""data-editing: declared steps make a new data set of a registered one, which stays as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field

from ml.phases._dataset import load, store
from ml.runtime.errors import UserError
from ml.runtime.parameters import JsonText, Section, json_list, json_object
from ml.runtime.phase import Phase

if TYPE_CHECKING:
    from ml.runtime.step import Step
    from ml.tabular.schema import Schema

NAME = "data-editing"


def listed_steps(text: str) -> list[Any]:
    """The steps in a field's text, as JSON; an empty text has none.

    Raises
    ------
    ValueError
        With a line that says where the text stops being a JSON list.
    """
    return json_list(text, '[{"do": "drop", "columns": ["notes"]}]')


def _is_list(text: str) -> str:
    listed_steps(text)
    return text


StepsText = Annotated[str, AfterValidator(_is_list)]


class InputFields(Section):
    """What to edit."""

    dataset_id: str = Field("", description="id of a registered data set; it stays as it is")


class EditFields(Section):
    """How to edit it."""

    steps: StepsText = Field(
        "[]",
        description='JSON list of steps, done in order, such as [{"do": "drop", "columns": '
        '["notes"]}, {"do": "filter", "column": "price", "is": ">", "value": 0}]; do is select, '
        "drop, rename, retype, filter, fill, derive or drop_duplicates",
    )
    target: str = Field("", description="column to predict; empty keeps the data set's")
    kind: Literal["", "auto", "regression", "classification"] = Field(
        "", description="kind of problem; empty keeps the data set's choice"
    )
    types: JsonText = Field(
        "{}", description='types that differ from what is inferred, such as {"zip": "category"}'
    )
    name: str = Field("", description="name of the new data set; empty keeps the old one's")


class Parameters(BaseModel):
    """Of data-editing."""

    Input: InputFields = InputFields()
    Edit: EditFields = EditFields()


PHASE = Phase(
    name=NAME,
    task_type="data_processing",
    help="Make a new data set of a registered one by declared steps that can be replayed.",
    parameters=Parameters,
    entry="ml.phases.data_editing:run",
    order=15,
)


def run(step: Step, parameters: Parameters) -> None:
    """Do the steps one after the other, infer the schema anew, store the result."""
    from ml.tabular.data import edit_steps, editing, inspection, replaying

    given, reference = parameters.Edit, parameters.Input.dataset_id
    steps = edit_steps.parse_steps(listed_steps(given.steps), "Edit/steps")
    where = "Input/dataset_id"
    table, schema, origin = load(step.dataset(reference, where), reference, where)
    # dates are timestamps by now; the files that come later still write them so
    formats = {one.name: f"datetime:{one.format}" for one in schema.columns if one.format}
    start = editing.Edited(table, schema.target, formats | origin.types)
    del table
    edited = editing.edit(start, steps, "Edit/steps", step.log)
    replay = [*origin.replay, replaying.stage(start, edited.done)]
    target = given.target or edited.target
    if not target:
        raise UserError(
            f"the steps leave out the target, {schema.target}",
            where="Edit/target",
            mend="name the column to predict, or keep the target",
        )
    types = {name: kind for name, kind in edited.types.items() if name != target}
    types |= json_object(given.types)
    ancestors = [*origin.ancestors, schema.hash]
    kind = given.kind or origin.kind
    inspected = inspection.inspect(
        edited.table, target, given.name or schema.name, kind, types, where="Edit/steps"
    )
    del start, edited
    _tell_changed(step, edit_steps.changed_columns(steps), inspected.schema)
    _tell_filled(step, edit_steps.filled_from_rows(steps))
    done = [*origin.edits, *(edit_steps.as_json(one) for one in steps)]
    origin = replace(
        origin,
        parent=reference,
        kind=kind,
        types=types,
        edits=done,
        replay=replay,
        ancestors=ancestors,
    )
    store(step, inspected, origin)


def _tell_changed(step: Step, changed: list[str], schema: Schema) -> None:
    features = [name for name in changed if name in schema.features]
    if features:
        step.log(
            f"note: rows to predict may come as they were before these steps, which are done on "
            f"them again, or bring these columns as the steps leave them: {', '.join(features)}"
        )


def _tell_filled(step: Step, filled: dict[str, str]) -> None:
    if filled:
        columns = ", ".join(f"{name} by {by}" for name, by in filled.items())
        step.log(
            f"note: filled with what all rows tell, those of a later test part too: {columns}; "
            "preprocessing fills gaps that are left by the training part alone"
        )
