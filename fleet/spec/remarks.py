"""What is worth a look in a queues.yml that breaks no rule."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.spec.models import AGENT_IMAGE, Spec
from fleet.spec.wording import listed, nearest
from ml.catalog import PHASES


def notes(spec: Spec) -> list[str]:
    """A sentence for each thing that may be meant, and may not."""
    return [*_unused_images(spec), *_empty_groups(spec), *_controllers(spec), *_users(spec)]


def _unused_images(spec: Spec) -> Iterator[str]:
    used = {group.image for group in spec.node_groups.values()} | {AGENT_IMAGE}
    for name in spec.images:
        if name not in used:
            yield f"no node group runs the image '{name}': nothing needs it to be built"


def _empty_groups(spec: Spec) -> Iterator[str]:
    for name, group in spec.node_groups.items():
        if group.slots == 0:
            yield f"nodes of '{name}' have no slot but where the inventory gives them one"


def _controllers(spec: Spec) -> Iterator[str]:
    controllers = {name for name, phase in PHASES.items() if phase.is_controller}
    for queue, entry in spec.queues.items():
        if not controllers.intersection(entry.phases):
            continue
        group = entry.node_group
        shared = [
            name
            for name in spec.queues_of_group(group)
            if set(spec.queues[name].phases) - controllers
        ]
        if shared and not spec.group_of_queue(queue).services:
            yield (
                f"each pipeline on '{queue}' holds a slot of '{group}' while its steps wait for "
                f"slots of the same nodes ({listed(shared, 'and')}): when pipelines hold all of "
                "them, none goes on; a group with `services: true` does not have this"
            )


def _users(spec: Spec) -> Iterator[str]:
    access = spec.policy.access
    for template, who in access.may_run.items():
        for name in who:
            meant = None if name in access.groups else nearest(name, access.groups)
            if meant:
                yield (
                    f"'{name}', who may run {template}, is taken for a user; the group is named "
                    f"'{meant}'"
                )
