import errno

import pytest
import requests

from ml.runtime.errors import DataError, UserError
from ml.runtime.failures import CLASSES, describe


class OutOfMemoryError(RuntimeError):
    """Named as PyTorch names it."""


class CatBoostError(Exception):
    """Named as CatBoost names its only error."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UserError("x"), "override"),
        (UserError("x", failure_class="queue"), "queue"),
        (DataError("x"), "data-access"),
        (ModuleNotFoundError("No module named 'torch'"), "dependency"),
        (PermissionError("no"), "permission"),
        (TimeoutError("late"), "timeout"),
        (MemoryError(), "resource"),
        (OutOfMemoryError("CUDA out of memory"), "resource"),
        (CatBoostError("util/generic/alloc.cpp:12: std::bad_alloc"), "resource"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "resource"),
        (RuntimeError("cudaErrorMemoryAllocation: out of memory"), "resource"),
        (OSError(errno.ENOSPC, "no space left"), "resource"),
        (requests.ConnectionError("refused"), "infrastructure"),
        (FileNotFoundError("gone"), "data-access"),
        (ZeroDivisionError("division by zero"), "code"),
    ],
)
def test_a_failure_has_a_class(error, expected):
    assert describe(error).failure_class == expected
    assert expected in CLASSES


def test_a_users_mistake_is_told_without_a_traceback():
    failure = describe(UserError("it is wrong", where="here", mend="do that"))
    assert failure.summary == "it is wrong"
    assert failure.detail == "error: it is wrong\n   at: here\n  fix: do that"


def test_a_bug_is_told_with_its_traceback_and_one_line():
    try:
        _ = {}["gone"]
    except KeyError as error:
        failure = describe(error)
    assert failure.summary == "KeyError: 'gone'"
    assert "Traceback" in failure.detail
    assert __file__ in failure.detail


def test_a_lack_of_memory_that_says_nothing_is_said():
    assert describe(MemoryError()).summary == "MemoryError: out of memory"
    assert describe(ZeroDivisionError()).summary == "ZeroDivisionError"
