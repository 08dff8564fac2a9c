"""What a model declares about itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict


class ModelParameters(BaseModel):
    """The base of a model's own parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Model:
    """One model that can be trained.

    Parameters
    ----------
    name : str
        As in ``Model/name``.
    help : str
        One line that says what it is good for.
    accelerator : str
        What the queue must offer: ``cpu`` or ``gpu``.
    framework : str
        For the list of models.
    parameters : type
        Its own typed parameters.
    build : callable
        ``build(parameters, kind, seed)`` gives an estimator with ``fit(x, y)``, ``predict(x)``
        and, for classes, ``predict_proba(x)`` and ``classes_``. An estimator that has an attribute
        ``history_`` (name → numbers per iteration) after its fit gets these shown as curves.
    """

    name: str
    help: str
    accelerator: Literal["cpu", "gpu"]
    framework: str
    parameters: type[ModelParameters]
    build: Callable[[Any, str, int], Any]
