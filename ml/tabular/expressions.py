"""Formulas over columns, such as ``width * height`` or ``a + b <= 10``: parsed, never executed.

Allowed are numbers, texts in quotes, columns by name (in backticks where the name is no plain
word), ``+ - * / // % **``, comparisons (also chained, and ``in [...]``), ``and or not``, and
the functions of :data:`FUNCTIONS`.
"""

from __future__ import annotations

import ast
import difflib
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import count
from typing import Any

import numpy as np
import pandas as pd

from ml.runtime.errors import UserError

MAX_LENGTH = 1000
# two numbers that differ by less than this share of their size are equal
EQUAL = 1e-9

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "exp": np.exp,
    "floor": np.floor,
    "log": np.log,
    "max": lambda *values: reduce(np.maximum, values),
    "min": lambda *values: reduce(np.minimum, values),
    "round": np.round,
    "sqrt": np.sqrt,
}
_ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_SIGNS = {ast.USub: operator.neg, ast.UAdd: operator.pos}
_LESS, _MORE = (ast.Lt, ast.LtE), (ast.Gt, ast.GtE)
_COMPARED = (*_LESS, *_MORE, ast.Eq, ast.NotEq, ast.In, ast.NotIn)
# texts in quotes are left as they are; a name in backticks is a column
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`([^`]*)`")


@dataclass(frozen=True)
class Expression:
    """A formula that was found to be one.

    Parameters
    ----------
    text : str
        As it was written.
    columns : tuple of str
        Those that it names, in the order of the data.
    """

    text: str
    columns: tuple[str, ...]
    _node: ast.expr = field(repr=False)
    _names: dict[str, str] = field(repr=False)

    @property
    def is_condition(self) -> bool:
        """Whether it is true or false, not a number."""
        return _is_condition(self._node)

    def evaluate(self, frame: pd.DataFrame) -> np.ndarray:
        """Its value for each row, shape (rows,); a missing number makes NaN, or false."""
        with np.errstate(all="ignore"):
            return np.broadcast_to(np.asarray(self._value(self._node, frame)), len(frame))

    def violation(self, frame: pd.DataFrame) -> np.ndarray:
        """How far each row is from meeting the condition, shape (rows,); 0 where it does.

        Of a comparison of numbers it is by how much they miss; what can only be true or false is
        missed by 1.
        """
        with np.errstate(all="ignore"):
            missed = self._missed(self._node, frame)
        # a missing number meets no condition
        return np.where(np.isnan(missed), np.inf, missed)

    def _value(self, node: ast.expr, frame: pd.DataFrame) -> Any:
        match node:
            case ast.Constant(value=str()):
                return node.value
            case ast.Constant():
                # a power that is too large is infinite in numpy; in Python it never ends
                return np.float64(node.value)
            case ast.List() | ast.Tuple():
                return [self._value(one, frame) for one in node.elts]
            case ast.Name():
                return _column(frame[self._names.get(node.id, node.id)])
            case ast.BinOp():
                left, right = self._value(node.left, frame), self._value(node.right, frame)
                return _ARITHMETIC[type(node.op)](_number(left), _number(right))
            case ast.UnaryOp() if type(node.op) in _SIGNS:
                return _SIGNS[type(node.op)](_number(self._value(node.operand, frame)))
            case ast.Call():
                given = [_number(self._value(one, frame)) for one in node.args]
                return FUNCTIONS[node.func.id](*given)
            case _:
                return self._missed(node, frame) == 0

    def _missed(self, node: ast.expr, frame: pd.DataFrame, *, negated: bool = False) -> np.ndarray:
        """By how much a condition, or its contrary, is missed; NaN where neither is known."""
        match node:
            case ast.UnaryOp(op=ast.Not()):
                return self._missed(node.operand, frame, negated=not negated)
            case ast.BoolOp():
                parts = [self._missed(one, frame, negated=negated) for one in node.values]
                return _combined(parts, all_hold=isinstance(node.op, ast.And) != negated)
            case ast.Compare():
                sides = [self._value(one, frame) for one in (node.left, *node.comparators)]
                pairs = zip(node.ops, sides, sides[1:], strict=False)
                parts = [_distance(one, left, right) for one, left, right in pairs]
            case _:
                parts = [_untruth(np.asarray(self._value(node, frame)))]
        if negated:
            parts = [_contrary(one) for one in parts]
        return np.broadcast_to(_combined(parts, all_hold=not negated), len(frame))


def parse(text: str, columns: Sequence[str], where: str = "") -> Expression:
    """A formula from its text.

    Parameters
    ----------
    text : str
    columns : sequence of str
        Those that it may name.
    where : str
        The field, for messages.

    Raises
    ------
    UserError
        It is no formula, names a column that there is not, or holds what is not allowed.
    """
    names: dict[str, str] = {}
    free = (name for name in map("column_{}_".format, count()) if _is_free(name, text, columns))

    def named(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0]
        plain = next(free)
        names[plain] = found[1]
        return plain

    try:
        if len(text) > MAX_LENGTH:
            raise ValueError(f"it is longer than {MAX_LENGTH} characters")
        node = ast.parse(_QUOTED.sub(named, text).strip(), mode="eval").body
        used = _checked(node, names, columns)
    except SyntaxError as error:
        raise _refused(text, f"{error.msg} at character {error.offset}", where) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise _refused(text, str(error) or "it is nested too deeply", where) from None
    return Expression(text, tuple(name for name in columns if name in used), node, names)


def _refused(text: str, why: str, where: str) -> UserError:
    return UserError(
        f"{text!r} is no formula: {why}",
        where=where,
        mend="write one such as a + b <= 10, or `living area` * 2; texts stand in quotes",
    )


def _is_free(name: str, text: str, columns: Sequence[str]) -> bool:
    return name not in columns and name not in text


def _checked(node: ast.expr, names: dict[str, str], columns: Sequence[str]) -> set[str]:
    """The columns that it names; what is not allowed is refused."""
    used = set()
    for one in ast.walk(node):
        match one:
            case ast.Name() if one.id in FUNCTIONS and names.get(one.id, one.id) not in columns:
                continue
            case ast.Name():
                used.add(_known(names.get(one.id, one.id), columns))
            case ast.Call():
                plain = isinstance(one.func, ast.Name) and one.func.id in FUNCTIONS
                if not plain or one.keywords or not one.args:
                    raise ValueError(f"the functions are {', '.join(FUNCTIONS)}")
                if one.func.id not in ("min", "max") and len(one.args) != 1:
                    raise ValueError(f"{one.func.id} takes one value")
            case ast.Constant(value=int() | float() | str()):
                _check_size(one.value)
            case ast.BinOp() if type(one.op) in _ARITHMETIC:
                pass
            case ast.UnaryOp() if type(one.op) in (*_SIGNS, ast.Not):
                pass
            case ast.Compare() if all(isinstance(each, _COMPARED) for each in one.ops):
                pass
            case ast.List() | ast.Tuple() if all(isinstance(x, ast.Constant) for x in one.elts):
                pass
            case ast.BoolOp() | ast.operator() | ast.unaryop() | ast.cmpop() | ast.boolop():
                pass
            case ast.Load():
                pass
            case _:
                raise ValueError(f"{ast.unparse(one)!r} is not allowed in it")
    return used


def _check_size(value: float | str) -> None:
    try:
        np.float64(0 if isinstance(value, str) else value)
    except OverflowError:
        raise ValueError(f"the number {str(value)[:8]}... is too large") from None


def _known(name: str, columns: Sequence[str]) -> str:
    if name in columns:
        return name
    lowered = {str(column).lower(): column for column in columns}
    close = difflib.get_close_matches(name.lower(), lowered, n=1)
    hint = f"did you mean {lowered[close[0]]!r}?" if close else f"there are {', '.join(columns)}"
    raise ValueError(f"there is no column {name!r}; {hint}")


def _is_condition(node: ast.expr) -> bool:
    match node:
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            return True
        case _:
            return False


def _column(values: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return values.to_numpy(dtype=float, na_value=np.nan)
    return values.to_numpy(dtype=object, na_value=None)


def _number(value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind in "OUS":
        raise UserError(
            f"{value!r} is no number"
            if isinstance(value, str)
            else "a column of texts is no number",
            mend="compare texts with == or in, and calculate with numbers alone",
        )
    return array.astype(float) if array.dtype.kind == "b" else value


def _combined(parts: list[np.ndarray], *, all_hold: bool) -> np.ndarray:
    """Of several conditions: by how much they are missed where all hold, or any does."""
    return reduce(np.maximum if all_hold else np.fmin, parts)


def _untruth(values: np.ndarray) -> np.ndarray:
    """1 where a value that is no condition counts as false; NaN where a number is missing."""
    return _unless_missing(values, np.where(values.astype(bool), 0.0, 1.0))


def _contrary(missed: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(missed), np.nan, np.where(missed == 0, 1.0, 0.0))


def _unless_missing(values: np.ndarray, found: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), np.nan, found) if values.dtype.kind == "f" else found


def _distance(comparison: ast.cmpop, left: Any, right: Any) -> np.ndarray:
    if isinstance(comparison, ast.In | ast.NotIn):
        found = np.isin(np.asarray(left, dtype=object), np.asarray(right, dtype=object))
        missed = np.where(found == isinstance(comparison, ast.In), 0.0, 1.0)
        return _unless_missing(np.asarray(left), missed)
    texts = any(np.asarray(side).dtype.kind in "OUS" for side in (left, right))
    if isinstance(comparison, ast.Eq | ast.NotEq) and texts:
        same = np.asarray(left, dtype=object) == np.asarray(right, dtype=object)
        return np.where(same == isinstance(comparison, ast.Eq), 0.0, 1.0)
    gap = np.asarray(_number(left), float) - np.asarray(_number(right), float)
    near = EQUAL * np.maximum(1.0, np.abs(np.asarray(right, dtype=float)))
    if isinstance(comparison, ast.Eq):
        return np.where(np.abs(gap) <= near, 0.0, np.abs(gap))
    if isinstance(comparison, ast.NotEq):
        return np.where(np.abs(gap) <= near, 1.0, gap * 0)
    over = gap if isinstance(comparison, _LESS) else -gap
    if isinstance(comparison, ast.LtE | ast.GtE):
        return np.where(over <= near, over * 0, over)
    return np.where(over < 0, over * 0, np.maximum(over, near))
