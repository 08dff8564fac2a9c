"""The models there are. Each module of :mod:`ml.models` declares one as ``MODEL``."""

from __future__ import annotations

import difflib

import ml.models
from ml.runtime.discovery import declared
from ml.runtime.model import Model

MODELS: dict[str, Model] = {model.name: model for model in declared(ml.models, "MODEL")}


def find(name: str) -> Model:
    """The model of a name.

    Raises
    ------
    ValueError
        With the names there are.
    """
    if name in MODELS:
        return MODELS[name]
    close = difflib.get_close_matches(name, MODELS, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(MODELS)}"
    raise ValueError(f"there is no model {name!r}; {hint}")
