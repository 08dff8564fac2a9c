"""What a data set's columns are: stored with the data, and held to by every later phase."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

ProblemKind = Literal["regression", "binary", "multiclass"]
ColumnKind = Literal["numeric", "category", "datetime"]


class Column(BaseModel):
    """One feature column."""

    name: str
    kind: ColumnKind


class Schema(BaseModel):
    """The columns of a data set, and what is to be predicted.

    ``classes`` are the target's values as texts, sorted; empty for regression.
    """

    name: str
    target: str
    kind: ProblemKind
    classes: list[str]
    columns: list[Column]
    rows: int

    @property
    def features(self) -> list[str]:
        """The names of the feature columns."""
        return [column.name for column in self.columns]

    def of_kind(self, kind: ColumnKind) -> list[str]:
        """The names of the feature columns of one kind."""
        return [column.name for column in self.columns if column.kind == kind]

    @property
    def is_classification(self) -> bool:
        """Whether a class is predicted, not a number."""
        return self.kind != "regression"
