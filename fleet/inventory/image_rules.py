"""Whether the images that the slots of an inventory need were built."""

from __future__ import annotations

from fleet.errors import FleetError
from fleet.images import digests
from fleet.inventory.model import Inventory, shown
from fleet.plan import NodePlan
from fleet.spec import Place, Problem, Spec
from fleet.spec.models import AGENT_IMAGE

RULE = "image-without-digest"


class ImageRules:
    """Collects the images that are needed.

    Parameters
    ----------
    spec : Spec
        The contract.
    """

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._needed: dict[str, None] = {}

    def see(self, plan: NodePlan) -> None:
        """Take the images of a node's slots."""
        if plan.slots:
            self._needed[AGENT_IMAGE] = None
        for slot in plan.slots:
            self._needed[slot.image_name] = None

    def problems(self, inventory: Inventory) -> list[Problem]:
        """The images that have no digest."""
        needed = [name for name in self._needed if self._spec.images[name].digest is None]
        file = inventory.digests_file
        if not needed or file is None:
            return []
        place = Place(shown(file))
        try:
            built = digests.by_name(file)
        except FleetError as error:
            return [Problem("digests-unreadable", error.what, place=place, mend=error.mend)]
        registry = inventory.registry or "REGISTRY"
        return [
            Problem(
                RULE,
                f"the image '{name}' has no digest",
                place=place,
                mend=f"build and push it: fleet images build {name} --push {registry}",
            )
            for name in needed
            if name not in built
        ]
