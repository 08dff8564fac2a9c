"""Which of a data set's edits matter to some of its columns, and what columns these take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ml.tabular import expressions
from ml.tabular.data import edit_steps
from ml.tabular.data.edit_steps import EditStep

PLACE = "the edits of the data set"


@dataclass(frozen=True)
class Turn:
    """One step, or what columns are when an editing begins.

    Parameters
    ----------
    needed : frozenset of str
        The columns that this and what follows works on.
    step : EditStep or None
    columns : mapping
        Column → what it is, where an editing begins.
    """

    needed: frozenset[str]
    step: EditStep | None
    columns: Mapping[str, str]


def planned(
    stages: Sequence[tuple[Mapping[str, str], list[EditStep]]], wanted: Sequence[str]
) -> list[Turn]:
    """What there is to do for some of the columns that are there at the end, in order.

    Parameters
    ----------
    stages : sequence of (dict, list of EditStep)
        The columns at the beginning of each editing, and its steps.
    wanted : sequence of str
        Columns at the end.

    Returns
    -------
    list of Turn
        Steps that leave out rows or columns are not among them; the first begins an editing.
    """
    needed, turns = set(wanted), []
    for columns, steps in reversed(stages):
        for step, names in reversed(list(zip(steps, _names_before(columns, steps), strict=True))):
            before = _needed_before(step, needed, names)
            if before is not None:
                needed = before
                turns.append(Turn(frozenset(needed), step, {}))
        turns.append(Turn(frozenset(needed), None, columns))
    return turns[::-1]


def new_names(step: edit_steps.Rename) -> dict[str, str]:
    """Old name → new, as a step gives it."""
    return {old: new.strip() for old, new in step.columns.items()}


def _names_before(columns: Mapping[str, str], steps: Sequence[EditStep]) -> list[list[str]]:
    names, before = list(columns), []
    for step in steps:
        before.append(names)
        if isinstance(step, edit_steps.Rename):
            new = new_names(step)
            names = [new.get(name, name) for name in names]
        elif isinstance(step, edit_steps.Derive):
            names = [*names, *([] if step.column in names else [step.column])]
        elif isinstance(step, edit_steps.Drop):
            names = [name for name in names if name not in step.columns]
        elif isinstance(step, edit_steps.Select):
            names = list(dict.fromkeys(step.columns))
    return before


def _needed_before(step: EditStep, needed: set[str], names: list[str]) -> set[str] | None:
    """The columns that have to be there before a step; None where it does nothing to them."""
    if isinstance(step, edit_steps.Rename):
        old = {new: name for name, new in new_names(step).items()}
        return {old.get(name, name) for name in needed} if needed & set(old) else None
    if isinstance(step, edit_steps.Derive) and step.column in needed:
        used = {step.of} if step.part else expressions.parse(step.formula, names, PLACE).columns
        return needed - {step.column} | set(used)
    if isinstance(step, edit_steps.Fill | edit_steps.Retype) and step.column in needed:
        return set(needed)
    return None
