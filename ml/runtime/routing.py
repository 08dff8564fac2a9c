"""Which queue and which image a step gets: the configuration object ``routing``."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import BaseModel, ValidationError

from ml.runtime.conventions import ROUTING_OBJECT, STABLE
from ml.runtime.errors import UserError
from ml.runtime.policy import Policy


class Routing(BaseModel):
    """Written when a template is published.

    Parameters
    ----------
    channel : str
        The channel that steps' templates are taken from.
    queue_choice : str
        Who decides about the queue: with ``fixed`` nobody but the operator, with ``phase`` one of
        the phase's queues may be chosen, with ``free`` any declared one.
    queues : dict
        Phase → its queues, the preferred first.
    accelerators : dict
        Queue → what it offers: ``cpu`` or ``gpu``.
    images : dict
        Image name → reference with digest.
    queue_images : dict
        Queue → image name.
    packages : dict
        Phase → the packages that it adds to its image's, for those that add any.
    policy : Policy
        The team's other decisions.
    """

    channel: str = STABLE
    queue_choice: Literal["fixed", "phase", "free"] = "phase"
    queues: dict[str, list[str]]
    accelerators: dict[str, str] = {}
    images: dict[str, str] = {}
    queue_images: dict[str, str] = {}
    packages: dict[str, list[str]] = {}
    policy: Policy = Policy()

    def allowed_queues(self, phase: str, accelerator: str = "cpu") -> list[str]:
        """The queues that a task of a phase may run on, when it wants an accelerator."""
        if self.queue_choice == "free":
            return list(self.accelerators)
        queues = self.queues.get(phase, [])
        if self.queue_choice == "fixed" and queues:
            return [self.queue_for(phase, accelerator)]
        return queues

    def queue_for(self, phase: str, accelerator: str) -> str:
        """The first queue of a phase that offers what is needed, else its first one."""
        queues = self.queues.get(phase)
        if not queues:
            raise UserError(
                f"no queue takes the phase {phase}",
                where=f"configuration object {ROUTING_OBJECT}",
                mend="map the phase to a queue in queues.yml, and publish the templates again",
                failure_class="queue",
            )
        fitting = (queue for queue in queues if self.accelerators.get(queue, "cpu") == accelerator)
        return next(fitting, queues[0])

    def image_for(self, queue: str) -> str:
        """The image that a queue's steps run in; empty where the template's own is right."""
        return self.images.get(self.queue_images.get(queue, ""), "")


def parse_routing(text: str, task: str) -> Routing:
    """The routing in a configuration object's text.

    Raises
    ------
    UserError
        The text is no JSON, or not that of a routing.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(
            f"the configuration object {ROUTING_OBJECT!r} is not JSON: {error}",
            where=f"task {task}",
            mend="clone the template again",
        ) from None
    return read_routing(value, task)


def read_routing(value: object, task: str) -> Routing:
    """The routing that a task carries.

    Parameters
    ----------
    value : object
        The configuration object's content, or None.
    task : str
        The task's id, for the message.
    """
    mend = "clone a template that `fleet template publish` made"
    if value is None:
        raise UserError(
            f"the task carries no configuration object {ROUTING_OBJECT!r}",
            where=f"task {task}",
            mend=mend,
        )
    try:
        return Routing.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"the configuration object {ROUTING_OBJECT!r} is wrong at {place or 'its top'}: "
            f"{first['msg']}",
            where=f"task {task}",
            mend=mend,
        ) from None
