"""Whether a model can be fitted on some data at all, said before it is tried."""

from __future__ import annotations

from ml.runtime import memory
from ml.runtime.errors import UserError
from ml.runtime.model import Model
from ml.tabular.learning.recipes import Recipe
from ml.tabular.schema import Schema

_NAME_FIELD = "Model/name"
_FLOAT_BYTES = 8


def unsuited(
    model: Model, schema: Schema, rows: int, rarest: int | None = None
) -> UserError | None:
    """Why a model is not made for some data: the kind of problem, or the rows; None where it is.

    Parameters
    ----------
    model : Model
    schema : Schema
    rows : int
        To fit on.
    rarest : int, optional
        How many of the training part's rows are of its rarest class; None of a number.
    """
    if schema.kind not in model.kinds:
        return UserError(
            f"the model {model.name} learns {' and '.join(model.kinds)} problems, and "
            f"{schema.target!r} is a {schema.kind} one",
            where=_NAME_FIELD,
            mend="choose another model",
        )
    if model.most_rows is not None and rows > model.most_rows:
        return UserError(
            f"the model {model.name} takes {model.most_rows:,} rows at most, and there are "
            f"{rows:,}: its time grows with the square of the rows or more",
            where=_NAME_FIELD,
            mend="choose another model, such as lightgbm, or take fewer rows by data-editing",
            failure_class="resource",
        )
    if rarest is not None and rarest < model.least_rows_per_class:
        return UserError(
            f"the model {model.name} needs {model.least_rows_per_class} rows of each class at "
            f"least, and the training part has {rarest} of the rarest class of {schema.target!r}",
            where=_NAME_FIELD,
            mend="choose another model, or give more rows of that class",
        )
    return None


def check_suitable(
    recipe: Recipe,
    schema: Schema,
    rows: int,
    inputs: int,
    copies: float,
    rarest: int | None = None,
) -> None:
    """Refuse what cannot be learned, or not in the time or memory there is.

    Parameters
    ----------
    recipe : Recipe
    schema : Schema
    rows : int
        To fit on.
    inputs : int
        That the preprocessor makes.
    copies : float
        How many matrices of rows x inputs are held beside the model.
    rarest : int, optional
        As of :func:`unsuited`.

    Raises
    ------
    UserError
        What :func:`unsuited` gives, or, of class ``resource``, more memory than there is.
    """
    model = recipe.model
    refused = unsuited(model, schema, rows, rarest)
    if refused is not None:
        raise refused
    needed = copies * rows * inputs * _FLOAT_BYTES
    if model.memory is not None:
        needed += model.memory(recipe.parameters, rows, inputs, max(1, len(schema.classes)))
    memory.require(
        needed,
        f"fitting {model.name} on {rows:,} rows x {inputs:,} inputs",
        f"{_NAME_FIELD}, Model/parameters",
    )
