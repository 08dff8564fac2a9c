"""The plan: contract + node → slots. The one place where it is computed."""

from fleet.plan.model import Node, NodePlan, Slot
from fleet.plan.routing import pinned_routing, routing
from fleet.plan.slots import image_reference, plan_node

__all__ = [
    "Node",
    "NodePlan",
    "Slot",
    "image_reference",
    "pinned_routing",
    "plan_node",
    "routing",
]
