"""The plan: contract + node → slots. The one place where it is computed."""

from fleet.plan.container import as_data, order_of_queues, task_arguments, worker_tags
from fleet.plan.drained import Rest, back_to_work, rest_of
from fleet.plan.model import Node, NodePlan, Override, Slot
from fleet.plan.routing import pinned_routing, policy, routing
from fleet.plan.slots import Planner, image_reference, plan_fleet, plan_node
from fleet.plan.variables import node_from_variables

__all__ = [
    "Node",
    "NodePlan",
    "Override",
    "Planner",
    "Rest",
    "Slot",
    "as_data",
    "back_to_work",
    "image_reference",
    "node_from_variables",
    "order_of_queues",
    "pinned_routing",
    "plan_fleet",
    "plan_node",
    "policy",
    "rest_of",
    "routing",
    "task_arguments",
    "worker_tags",
]
