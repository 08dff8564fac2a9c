"""How many folds cross-validation has: a number, or decided by the rows there are."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from ml.runtime.metric_names import AUTO

MOST_FOLDS = 50
# what auto takes, of so many rows at most: of more, one validation part chooses as well
AUTO_FOLDS = 5
AUTO_MOST_ROWS = 10_000

FOLDS_HELP = (
    "folds of cross-validation: a number, 0 to do without, or auto: "
    f"{AUTO_FOLDS} up to {AUTO_MOST_ROWS:,} rows of training and validation part, none above"
)


def fixed(text: str) -> int | None:
    """The number of folds that a field's text says; None where it is to be decided.

    Raises
    ------
    ValueError
        The text is neither ``auto`` nor a number of folds.
    """
    given = text.strip()
    if given == AUTO:
        return None
    if given == "1":
        raise ValueError("one fold divides nothing: choose 2 or more, 0 to do without, or auto")
    if not (given.isascii() and given.isdigit() and int(given) <= MOST_FOLDS):
        raise ValueError(
            f"{text!r} is no number of folds: choose auto, 0, or a whole number from 2 to "
            f"{MOST_FOLDS}"
        )
    return int(given)


def _checked(text: str) -> str:
    fixed(text)
    return text


FoldsText = Annotated[str, AfterValidator(_checked)]
