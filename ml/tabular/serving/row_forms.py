"""Whether rows to predict come edited or not: what their columns tell."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ml.runtime.errors import DataError
from ml.tabular.conforming import conform
from ml.tabular.data.replaying import Replay
from ml.tabular.naming import listed
from ml.tabular.schema import Schema


def edits_to_do(
    names: Sequence[str], schema: Schema, edits: Replay | None, where: str
) -> Replay | None:
    """The edits that rows with these columns lack; None where they are as the model has them.

    Rows with all features are edited ones. Where the edits changed columns in their place alone,
    names tell nothing: such rows are taken as they were before.

    Parameters
    ----------
    names : sequence of str
        The columns that are there.
    schema : Schema
    edits : Replay, optional
        None where the data set was not edited.
    where : str
        The field or file, for messages.

    Raises
    ------
    DataError
        Columns are missing, whichever way; all of them are named.
    """
    lacking = [name for name in edits.columns if name not in names] if edits else []
    raw = edits is not None and edits.changes and not lacking
    if all(name in names for name in schema.features):
        return edits if raw and not edits.is_told_by_names else None
    if raw:
        return edits
    try:
        conform(pd.DataFrame(columns=list(names)), schema, where)
    except DataError as error:
        if edits is None or not edits.changes:
            raise
        raise DataError(
            f"{error.what}; or, of rows as they were before the data set was edited: "
            f"{listed(lacking)}",
            where=where,
            mend=f"{error.mend}; or, to have them edited, all of: {listed(edits.columns)}",
        ) from None
    return None


def unused(names: Sequence[str], schema: Schema, edits: Replay | None) -> list[str]:
    """The columns that are there and not looked at."""
    used = {*schema.features, schema.target}
    if edits is not None:
        used = {*edits.columns, *edits.target_columns(names)}
    return [name for name in names if name not in used]
