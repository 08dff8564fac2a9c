"""What a contract and an inventory make together, and all that is wrong with it."""

from __future__ import annotations

from pathlib import Path

from fleet.errors import FleetError
from fleet.inventory.faults import Faults
from fleet.inventory.fleet_rules import FleetRules
from fleet.inventory.image_rules import ImageRules
from fleet.inventory.model import UNREADABLE, Inspection
from fleet.inventory.node_rules import NodeRules
from fleet.inventory.quiet import quiet
from fleet.inventory.reading import Reading, read
from fleet.plan import Node, NodePlan, Planner
from fleet.plan.findings import Finding
from fleet.spec import Place, Problem, Spec

# Which images have no digest is a rule of its own; a plan can be made without.
_SOME_DIGEST = "sha256:" + "0" * 64
_SOME_REGISTRY = "REGISTRY"


def inspect(spec: Spec, path: Path) -> Inspection:
    """Find all that is wrong with an inventory under a contract, without a connection.

    Parameters
    ----------
    spec : Spec
        The contract.
    path : path
        The inventory: file or folder.

    Returns
    -------
    Inspection
        Faults as problems: nothing that a user can mend is raised.
    """
    try:
        reading = read(path, lambda _: spec.node_groups)
        with quiet():
            return _inspect(spec, reading)
    except FleetError as error:
        return Inspection([_as_problem(error, path)], [], nodes=0, slots=0)


def _inspect(spec: Spec, reading: Reading) -> Inspection:
    inventory = reading.inventory
    if any(problem.rule == UNREADABLE for problem in reading.problems):
        # What is missing may be in what could not be read.
        return Inspection(reading.problems, list(inventory.notes), len(inventory.nodes), slots=0)
    faults = Faults(reading.source)
    planner = Planner(
        spec, registry=_SOME_REGISTRY, digests=dict.fromkeys(spec.images, _SOME_DIGEST)
    )
    node_rules = NodeRules(spec, reading, faults)
    fleet_rules, image_rules = FleetRules(spec, reading), ImageRules(spec)
    slots = 0
    for node in inventory.nodes:
        node_rules.see(node)
        plan = _plan(planner, node, faults)
        fleet_rules.see(node, plan)
        if plan is not None:
            node_rules.see_plan(node, plan)
            image_rules.see(plan)
            slots += len(plan.slots)
    node_rules.finish()
    problems = [
        *reading.problems,
        *reading.missing,
        *faults.problems(),
        *fleet_rules.problems(),
        *image_rules.problems(inventory),
    ]
    notes = [*inventory.notes, *fleet_rules.notes()]
    return Inspection(problems, notes, nodes=len(inventory.nodes), slots=slots)


def _plan(planner: Planner, node: Node, faults: Faults) -> NodePlan | None:
    try:
        return planner.plan(node)
    except Problem as problem:
        # It says how many devices are wanted; the variable that most directly says so is shown.
        variable = next((name for name, given in _says(node) if given), "")
        faults.add(node.name, Finding(problem.rule, variable, None, problem.what, problem.mend))
    return None


def _says(node: Node) -> tuple[tuple[str, bool], ...]:
    return (
        ("fleet_overrides", bool(node.overrides)),
        ("fleet_slots", node.slots is not None),
        ("fleet_mig", bool(node.mig)),
        ("fleet_gpus", node.gpus is not None),
    )


def _as_problem(error: FleetError, path: Path) -> Problem:
    if isinstance(error, Problem):
        return error
    return Problem(UNREADABLE, error.what, place=Place(error.where or str(path)), mend=error.mend)
