"""What a phase declares about itself."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from ml.runtime.step import Step


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
    """

    name: str
    task_type: str
    help: str
    parameters: type[BaseModel]
    entry: str
    order: int

    def load(self) -> Callable[[Step, BaseModel], None]:
        """The adapter itself."""
        module, _, function = self.entry.partition(":")
        return getattr(importlib.import_module(module), function)
