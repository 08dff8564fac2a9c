"""The file of a fitted model, and whether this environment may open it.

A pickle holds the insides of the libraries that made it: opened by others it fails anywhere, or
predicts something else. What a model was made with is kept beside it and compared first.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from ml.runtime.errors import UserError

if TYPE_CHECKING:
    from ml.tabular.learning.fitted_model import FittedModel

# raise it when what ml/ keeps in a model can no longer be read by what was there before
FORMAT = "3"
_FORMAT_KEY = "ml"
_PYTHON_KEY = "python"
_MEND = (
    "train it again with the present template, or predict with the template version that trained it"
)
_ALWAYS = ("numpy", "pandas", "scikit-learn")
_LIBRARIES = {"pytorch": "torch"}
# the same library, packed with and without CUDA
_ALSO_NAMED = {"xgboost": ("xgboost-cpu",)}
# a network's weights are plain arrays: predicting needs no PyTorch
_NOT_NEEDED = frozenset({"torch"})


def made_with(framework: str) -> dict[str, str]:
    """The versions that a model of a framework depends on, here and now.

    Parameters
    ----------
    framework : str
        As in :class:`ml.runtime.model.Model`.

    Returns
    -------
    dict
        Package → version: Python's, NumPy's, pandas', scikit-learn's, the framework's, and the
        number of this project's own format under ``ml``.
    """
    found = {_FORMAT_KEY: FORMAT, _PYTHON_KEY: _python()}
    for name in dict.fromkeys([*_ALWAYS, _LIBRARIES.get(framework, framework)]):
        here = _installed(name)
        if here:
            found[name] = here
    return found


def check_made_with(
    found: Mapping[str, str] | None, where: str, what: str = "the model", mend: str = _MEND
) -> None:
    """Refuse a pickle that was made by other versions than are here, before it is opened.

    Parameters
    ----------
    found : mapping, or None
        As :func:`made_with` gave it when the model was made; None where it was not kept.
    where : str
        The field that named the model.
    what, mend : str
        What it is, and what to do where it is refused.

    Raises
    ------
    UserError
        Of class ``dependency``, with both versions.
    """
    if not found:
        raise _refusal(
            f"{what} does not say what it was made with, so it is an old one", where, mend
        )
    differing = []
    for name, then in found.items():
        if name in _NOT_NEEDED:
            continue
        here = _here(name)
        if _comparable(here) != _comparable(then):
            differing.append(f"{name} {then} (here {here or 'there is none'})")
    if differing:
        raise _refusal(f"{what} was made with {', '.join(differing)}", where, mend)


def save(model: FittedModel, path: Path) -> None:
    """Write a model to a file."""
    import joblib

    joblib.dump(model, path)


def load(path: Path, found: Mapping[str, str] | None, where: str) -> FittedModel:
    """Read a model from a file that is trusted, once what it was made with is known to be here.

    Parameters
    ----------
    path : Path
    found, where
        As of :func:`check_made_with`.
    """
    import joblib

    check_made_with(found, where)
    return joblib.load(path)


def _refusal(what: str, where: str, mend: str) -> UserError:
    return UserError(what, where=where, mend=mend, failure_class="dependency")


def _here(name: str) -> str:
    if name == _FORMAT_KEY:
        return FORMAT
    return _python() if name == _PYTHON_KEY else _installed(name)


def _python() -> str:
    # what Python pickles and compiles is the same within a minor version
    return ".".join(platform.python_version_tuple()[:2])


def _installed(name: str) -> str:
    for candidate in (name, *_ALSO_NAMED.get(name, ())):
        try:
            return version(candidate)
        except PackageNotFoundError:
            continue
    return ""


def _comparable(text: str) -> str:
    """Without what follows a plus: for which device it was built."""
    return re.sub(r"\+.*", "", text)
