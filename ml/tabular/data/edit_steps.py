"""The steps that edit a data set, as they are declared: checked before any of them is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from ml.runtime.errors import UserError
from ml.tabular.naming import nearest

Value = bool | int | float | str
Comparison = Literal[
    "==", "!=", "<", "<=", ">", ">=", "in", "not in", "between", "missing", "there"
]
Part = Literal[
    "year",
    "month",
    "day",
    "weekday",
    "hour",
    "day of year",
    "days",
    "length",
    "words",
    "lower",
    "upper",
    "trim",
]


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Select(_Step):
    """Keep these columns alone, in this order."""

    do: Literal["select"]
    columns: list[str] = Field(min_length=1)


class Drop(_Step):
    """Leave these columns out."""

    do: Literal["drop"]
    columns: list[str] = Field(min_length=1)


class Rename(_Step):
    """Give columns other names: old → new."""

    do: Literal["rename"]
    columns: dict[str, str] = Field(min_length=1)


class Retype(_Step):
    """Give a column another kind.

    ``remove`` names texts, with spaces between, that go first, such as ``$ , kg``; ``decimal`` is
    what stands for the point then; ``format`` is how dates are written.
    """

    do: Literal["retype"]
    column: str
    to: Literal["numeric", "category", "text", "datetime"]
    remove: str = ""
    decimal: Literal["", ","] = ""
    format: str = ""


class Filter(_Step):
    """Keep the rows in which a column compares so; a missing value compares to nothing."""

    do: Literal["filter"]
    column: str
    comparison: Comparison = Field(alias="is")
    value: Value | list[Value] | None = None

    @model_validator(mode="after")
    def _value_fits(self) -> Filter:
        many = isinstance(self.value, list)
        if self.comparison in ("missing", "there"):
            if self.value is not None:
                raise ValueError(f"{self.comparison} takes no value")
        elif self.comparison in ("in", "not in"):
            if not many or not self.value:
                raise ValueError(f"{self.comparison} takes a list of values")
        elif self.comparison == "between":
            if not many or len(self.value) != 2:
                raise ValueError("between takes a list of two values")
        elif many or self.value is None:
            raise ValueError(f"{self.comparison} takes one value")
        return self


class Fill(_Step):
    """Put a value where one is missing: this one, or one made of those that are there."""

    do: Literal["fill"]
    column: str
    by: Literal["value", "median", "mean", "most_frequent"] = "value"
    value: Value | None = None

    @model_validator(mode="after")
    def _value_fits(self) -> Fill:
        if (self.by == "value") != (self.value is not None):
            raise ValueError('give either a value, or "by": "median", "mean" or "most_frequent"')
        return self


class Derive(_Step):
    """A new column, or a column anew: by a formula, or a part of a date or a text.

    ``formula`` is one of :mod:`ml.tabular.expressions`; ``part`` is of the column ``of``, and
    ``days`` are those since 1970.
    """

    do: Literal["derive"]
    column: str = Field(min_length=1)
    formula: str = ""
    part: Part | None = None
    of: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> Derive:
        if bool(self.formula) == (self.part is not None) or bool(self.of) != bool(self.part):
            raise ValueError('give either "formula", or "part" and "of"')
        return self


class DropDuplicates(_Step):
    """Keep the first of the rows that are equal in these columns; in all, if none is named."""

    do: Literal["drop_duplicates"]
    columns: list[str] = []


EditStep = Select | Drop | Rename | Retype | Filter | Fill | Derive | DropDuplicates
KINDS = tuple(one.model_fields["do"].annotation.__args__[0] for one in EditStep.__args__)
_ADAPTER = TypeAdapter(Annotated[EditStep, Field(discriminator="do")])


def parse_steps(given: Sequence[Any], where: str) -> list[EditStep]:
    """Steps from their JSON.

    Parameters
    ----------
    given : sequence of dict
    where : str
        The field; messages add the number of the step, the first being 1.

    Raises
    ------
    UserError
        No steps, or one that is none; it names the step and what is wrong with it.
    """
    if not given:
        raise UserError(
            "there are no steps",
            where=where,
            mend=f"give a JSON list of steps; do is one of {', '.join(KINDS)}",
        )
    return [_parsed(one, step_place(where, number)) for number, one in enumerate(given, start=1)]


def changed_columns(steps: Sequence[EditStep]) -> list[str]:
    """The columns, by their names at the end, that a file of new rows has not, or not so."""
    changed: list[str] = []
    for step in steps:
        if isinstance(step, Rename):
            changed = [step.columns.get(name, name) for name in changed]
            changed += [name for name in step.columns.values() if name not in changed]
        elif isinstance(step, Derive) or _is_rewritten(step):
            changed += [step.column] if step.column not in changed else []
        elif isinstance(step, Drop):
            changed = [name for name in changed if name not in step.columns]
        elif isinstance(step, Select):
            changed = [name for name in changed if name in step.columns]
    return changed


def filled_from_rows(steps: Sequence[EditStep]) -> dict[str, str]:
    """Column → how its gaps are filled, of those that are filled with what the rows tell."""
    return {step.column: step.by for step in steps if isinstance(step, Fill) and step.by != "value"}


def as_json(step: EditStep) -> dict[str, Any]:
    """A step as it is written."""
    return step.model_dump(by_alias=True, exclude_defaults=True)


def step_place(where: str, number: int) -> str:
    """A step as messages name it."""
    return f"{where}, step {number}"


def _is_rewritten(step: EditStep) -> bool:
    return isinstance(step, Retype) and bool(step.remove or step.decimal)


def _parsed(given: Any, place: str) -> EditStep:
    if not isinstance(given, dict):
        raise UserError(
            f"{given!r} is no step",
            where=place,
            mend='write it as {"do": "drop", "columns": ["notes"]}',
        )
    kind = given.get("do")
    if kind not in KINDS:
        near = nearest(str(kind), KINDS) if kind is not None else ""
        raise UserError(
            f"there is no step {kind!r}{near}" if kind is not None else "the step has no do",
            where=place,
            mend=f"do is one of {', '.join(KINDS)}",
        )
    try:
        return _ADAPTER.validate_python(given)
    except ValidationError as error:
        known = _fields(kind)
        problems = "; ".join(_explained(item, known) for item in error.errors())
        raise UserError(
            f"the step {kind} is not right: {problems}",
            where=place,
            mend=f"{kind} takes {', '.join(known)}",
        ) from None


def _fields(kind: str) -> list[str]:
    model = EditStep.__args__[KINDS.index(kind)]
    return [info.alias or name for name, info in model.model_fields.items() if name != "do"]


def _explained(item: dict[str, Any], known: list[str]) -> str:
    parts = [str(part) for part in item["loc"][1:] if part not in ("list", "bool", "int", "float")]
    name = parts[0] if parts else ""
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    if item["type"] == "extra_forbidden":
        return f"it takes no {name!r}{nearest(name, known)}"
    if item["type"] == "missing":
        return f"{name!r} is missing"
    return f"{name}: {item['msg'].removeprefix('Input ')}"
