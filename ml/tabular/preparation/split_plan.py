"""The plan by which rows are divided, kept with the parts, and whether it fits the data."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from ml.runtime.errors import UserError
from ml.tabular.naming import listed, nearest
from ml.tabular.schema import Schema

Strategy = Literal["auto", "random", "stratified", "group", "time"]

MOST_HELD_OUT = 0.8
STRATEGY_FIELD = "Split/strategy"
COLUMN_FIELD = "Split/column"
SHARES_FIELDS = "Split/test_share, Split/validation_share"


class SplitPlan(BaseModel):
    """How rows are divided.

    Parameters
    ----------
    strategy : str
        ``random``, ``stratified`` (each class in the same share everywhere), ``group`` (no value
        of a column in two parts), ``time`` (the last rows by a column are the test part, those
        before them validation), or ``auto``: stratified for classes, else random.
    column : str
        The column of the groups, or of the time.
    test_share, validation_share : float
        Shares of the rows that have a target, between 0 and 1.
    seed : int
        The same seed gives the same parts on every node.
    """

    model_config = ConfigDict(frozen=True)

    strategy: Strategy = "auto"
    column: str = ""
    test_share: float = 0.2
    validation_share: float = 0.2
    seed: int = 0

    def resolved(self, schema: Schema) -> SplitPlan:
        """The same plan with ``auto`` decided."""
        if self.strategy != "auto":
            return self
        strategy = "stratified" if schema.is_classification else "random"
        return self.model_copy(update={"strategy": strategy})

    @property
    def by_column(self) -> bool:
        """Whether a column decides where a row goes."""
        return self.strategy in ("group", "time")


def check_plan(plan: SplitPlan, schema: Schema, columns: list[str]) -> None:
    """Refuse a plan that does not fit the columns, before any row is looked at."""
    if plan.test_share + plan.validation_share > MOST_HELD_OUT:
        raise UserError(
            f"test and validation take {plan.test_share + plan.validation_share:.0%} of the rows",
            where=SHARES_FIELDS,
            mend="leave at least 20 % of the rows for training",
        )
    if plan.strategy == "stratified" and not schema.is_classification:
        raise UserError(
            f"the target {schema.target!r} has no classes to keep the shares of",
            where=STRATEGY_FIELD,
            mend="choose random, group or time",
        )
    if not plan.by_column:
        if plan.column:
            raise UserError(
                f"the column {plan.column!r} is named, but the strategy {plan.strategy} uses none",
                where=f"{STRATEGY_FIELD}, {COLUMN_FIELD}",
                mend="choose group or time, or leave the column empty",
            )
        return
    if not plan.column:
        raise UserError(
            f"the strategy {plan.strategy} needs a column",
            where=COLUMN_FIELD,
            mend=f"name the column of the {'groups' if plan.strategy == 'group' else 'time'}; "
            f"the columns are {listed(columns)}",
        )
    if plan.column not in columns:
        raise UserError(
            f"there is no column {plan.column!r}{nearest(plan.column, columns)}",
            where=COLUMN_FIELD,
            mend=f"name one of {listed(columns)}",
        )
    if plan.column == schema.target:
        raise UserError(
            f"the rows cannot be divided by their target {plan.column!r}",
            where=COLUMN_FIELD,
            mend="name another column",
        )
