"""Which work runs where, and why: in words, as tables, and as data.

Each module explains one kind of thing. Nothing is computed here that the plan, the routing or the
pipeline compute.
"""

from fleet.explain.answer import Answer, Table
from fleet.explain.fleetmap import explain_map
from fleet.explain.node import explain_node
from fleet.explain.nodes import Nodes
from fleet.explain.pages import pages, write_pages
from fleet.explain.phase import explain_phase
from fleet.explain.queue import explain_queue
from fleet.explain.run import explain_run
from fleet.explain.task import explain_task

__all__ = [
    "Answer",
    "Nodes",
    "Table",
    "explain_map",
    "explain_node",
    "explain_phase",
    "explain_queue",
    "explain_run",
    "explain_task",
    "pages",
    "write_pages",
]
