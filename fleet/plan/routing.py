"""Contract → where steps go and who may start them, in the form that the step code reads."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.plan.slots import image_reference
from fleet.spec import Spec
from ml.catalog import PHASES
from ml.runtime.policy import Access, Policy
from ml.runtime.routing import Routing


def routing(spec: Spec) -> Routing:
    """The queues of each phase, and what each queue offers; without images."""
    return Routing(
        queue_choice=spec.policy.queue_choice,
        queues={phase: spec.queues_of_phase(phase) for phase in PHASES},
        accelerators={queue: spec.group_of_queue(queue).accelerator for queue in spec.queues},
        queue_images={queue: spec.group_of_queue(queue).image for queue in spec.queues},
        packages={phase.name: list(phase.packages) for phase in PHASES.values() if phase.packages},
        policy=policy(spec),
    )


def policy(spec: Spec) -> Policy:
    """The decisions about who starts what, and in which environment."""
    access = spec.policy.access
    first = {phase: queues[0] for phase in PHASES if (queues := spec.queues_of_phase(phase))}
    owners = {phase: spec.queues[queue].owner for phase, queue in first.items()}
    return Policy(
        entry=spec.policy.entry,
        access=Access(groups=access.groups, may_run=access.may_run),
        environment=spec.policy.environment,
        differences=spec.policy.differences,
        owners={phase: owner for phase, owner in owners.items() if owner},
    )


def pinned_routing(
    spec: Spec, *, channel: str, registry: str, digests: Mapping[str, str]
) -> Routing:
    """The same with each queue's image by digest, as a template carries it.

    Raises
    ------
    FleetError
        An image has no digest.
    """
    route = routing(spec)
    images = {
        name: image_reference(spec, name, registry=registry, digests=digests)
        for name in sorted(set(route.queue_images.values()))
    }
    return route.model_copy(update={"channel": channel, "images": images})
