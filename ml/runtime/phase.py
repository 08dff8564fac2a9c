"""What a phase declares about itself."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    from ml.runtime.step import Step

_CONTROLLER = "controller"


def _any_cpu(_parameters: Any) -> str:
    return "cpu"


@dataclass(frozen=True)
class Phase:
    """One kind of step.

    Parameters
    ----------
    name : str
        As in tags, templates and queues.yml.
    task_type : str
        The ClearML task type.
    help : str
        One line that says what the phase does.
    parameters : type
        The parameter model: what a user may edit.
    entry : str
        ``module:function`` of the adapter, called with the step and the parsed parameters.
    order : int
        The place of the phase in the workflow, for lists.
    from_run : bool
        Whether it makes predictions from a finished run: people may start it even where they may
        start no other phase.
    packages : tuple of str
        What it needs beyond its image's packages, each pinned: ``name==version``.
    accelerator : callable
        Parsed parameters → what the queue must offer: ``cpu`` or ``gpu``.
    """

    name: str
    task_type: str
    help: str
    parameters: type[BaseModel]
    entry: str
    order: int
    from_run: bool = False
    packages: tuple[str, ...] = ()
    accelerator: Callable[[Any], str] = _any_cpu

    @property
    def is_controller(self) -> bool:
        """Whether it starts the steps of a run, and is none itself."""
        return self.task_type == _CONTROLLER

    def load(self) -> Callable[[Step, BaseModel], None]:
        """The adapter itself."""
        module, _, function = self.entry.partition(":")
        return getattr(importlib.import_module(module), function)
