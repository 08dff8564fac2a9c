"""What a data set's columns are: stored with the data, and held to by every later phase."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

ProblemKind = Literal["regression", "binary", "multiclass"]
ColumnKind = Literal["numeric", "category", "datetime", "text"]


class Column(BaseModel):
    """One feature column.

    ``format`` is how a date is written where it comes as a text, as :func:`time.strptime` has it;
    empty where it is ISO 8601 or no date.
    """

    name: str
    kind: ColumnKind
    format: str = ""


class LeftOut(BaseModel):
    """A column of the data that is no feature, and why."""

    name: str
    why: str


class Schema(BaseModel):
    """The columns of a data set, and what is to be predicted.

    ``classes`` are the target's values as texts, sorted; empty for regression. ``hash`` is one of
    the values themselves, whatever file they came in.
    """

    name: str
    target: str
    kind: ProblemKind
    classes: list[str]
    columns: list[Column]
    rows: int
    left_out: list[LeftOut] = []
    hash: str = ""

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
