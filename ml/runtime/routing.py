"""Which queue and which image a step gets: the configuration object ``routing``."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ValidationError

from ml.runtime.conventions import ROUTING_OBJECT, STABLE
from ml.runtime.errors import UserError


class Routing(BaseModel):
    """Written when a template is published.

    Parameters
    ----------
    channel : str
        The channel that steps' templates are taken from.
    queue_choice : str
        The policy: with ``free``, any declared queue may be used.
    queues : dict
        Phase → its queues, the preferred first.
    accelerators : dict
        Queue → what it offers: ``cpu`` or ``gpu``.
    images : dict
        Image name → reference with digest.
    queue_images : dict
        Queue → image name.
    """

    channel: str = STABLE
    queue_choice: Literal["fixed", "phase", "free"] = "phase"
    queues: dict[str, list[str]]
    accelerators: dict[str, str] = {}
    images: dict[str, str] = {}
    queue_images: dict[str, str] = {}

    def allowed_queues(self, phase: str) -> list[str]:
        """The queues that a task of a phase may run on."""
        if self.queue_choice == "free":
            return list(self.accelerators)
        return self.queues.get(phase, [])

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
