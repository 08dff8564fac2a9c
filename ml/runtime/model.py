"""What a model declares about itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ml.runtime.host import GPU_TOLERANCE

KINDS = ("regression", "binary", "multiclass")
CLASSES = ("binary", "multiclass")


class ModelParameters(BaseModel):
    """The base of a model's own parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Range:
    """Where tuning looks for a number.

    Parameters
    ----------
    low, high : int or float
        Both ends belong to it; two whole numbers make a range of whole numbers.
    log : bool
        Whether a factor counts, and not a difference.
    """

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """Among which values tuning looks."""

    values: tuple[Any, ...]


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
        ``build(parameters, kind, seed, threads)`` gives an estimator with ``fit(x, y)``,
        ``predict(x)`` and, for classes, ``predict_proba(x)`` and ``classes_``. It computes with
        `threads` threads, writes no files, and gives the same bits again for the same seed. An
        estimator that has an attribute ``history_`` (name → numbers per iteration) after its fit
        gets these shown as curves; one that has ``device_`` says where it was fitted.
    search : mapping
        Parameter → where tuning looks for it.
    explained_by : str
        How its predictions are explained: ``tree`` (exact, from its trees), ``linear`` (exact, from
        its coefficients) or ``sampling`` (by what changes when inputs are replaced).
    memory : callable, optional
        ``memory(parameters, rows, inputs, outputs)``: the bytes that fitting needs beside the
        matrix that it is given; nothing by default.
    most_rows : int, optional
        The most rows that it can be fitted on in a time that anybody would wait.
    kinds : tuple of str
        The kinds of problem that it can learn.
    least_rows_per_class : int
        The fewest rows of each class that it can be fitted on.
    gpu_tolerance : float
        How far its scores may be apart, as a share, between one that was fitted on a GPU and one
        on a CPU.
    """

    name: str
    help: str
    accelerator: Literal["cpu", "gpu"]
    framework: str
    parameters: type[ModelParameters]
    build: Callable[[Any, str, int, int], Any]
    search: Mapping[str, Range | Choice] = field(default_factory=dict)
    explained_by: Literal["tree", "linear", "sampling"] = "sampling"
    memory: Callable[[Any, int, int, int], int] | None = None
    most_rows: int | None = None
    kinds: tuple[str, ...] = KINDS
    least_rows_per_class: int = 1
    gpu_tolerance: float = GPU_TOLERANCE
