"""What a contract and an inventory make together, and all that is wrong with it."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from fleet.errors import FleetError
from fleet.inventory.faults import Faults
from fleet.inventory.fleet_rules import FleetRules
from fleet.inventory.image_rules import ImageRules
from fleet.inventory.model import UNREADABLE, Inspection, Paths, several
from fleet.inventory.node_rules import NodeRules
from fleet.inventory.quiet import quiet
from fleet.inventory.reading import NamedContract, Reading, read
from fleet.plan import Node, NodePlan, Planner
from fleet.plan.findings import Finding
from fleet.spec import SPEC_FILE, Place, Problem, Spec, examine
from fleet.spec.wording import listed

# Which images have no digest is a rule of its own; a plan can be made without.
_SOME_DIGEST = "sha256:" + "0" * 64
_SOME_REGISTRY = "REGISTRY"
# What says the number of GPUs where the inventory does not.
_VISIT = "what site.yml found of its GPUs"


@dataclass(frozen=True)
class Declared:
    """A contract and an inventory, looked at together.

    Attributes
    ----------
    spec_file : Path or None
        The contract's file; None where it is not known, for that is in the inventory.
    spec : Spec or None
        The contract; None where it cannot be worked with.
    problems : list of Problem
        What is wrong with the contract itself.
    inspection : Inspection or None
        What is wrong with the inventory under it; None where there is no contract to say it by.
    """

    spec_file: Path | None
    spec: Spec | None
    problems: list[Problem]
    inspection: Inspection | None


def inspect_declared(paths: Paths, spec_file: Path | None = None) -> Declared:
    """Find all that is wrong with an inventory and with the contract that it names.

    Parameters
    ----------
    paths : path or sequence of paths
        The inventory: files and folders.
    spec_file : path, optional
        The contract; by default `fleet_queues_file` of the inventory, then this checkout's.
    """
    chosen: list[tuple[Path, Spec | None, list[Problem]]] = []

    def groups_of(named: NamedContract) -> Container[str]:
        file = spec_file or named() or SPEC_FILE
        spec, problems = examine(file)
        chosen.append((file, spec, problems))
        return spec.node_groups if spec else ()

    try:
        reading = read(paths, groups_of)
        file, spec, problems = chosen[0]
        if spec is None:
            return Declared(file, None, problems, None)
        with quiet():
            return Declared(file, spec, problems, _inspect(spec, reading))
    except FleetError as error:
        if spec_file and not chosen:
            chosen.append((spec_file, *examine(spec_file)))
        file, spec, problems = chosen[0] if chosen else (None, None, [])
        return Declared(file, spec, problems, _unreadable(error, paths))


def inspect(spec: Spec, paths: Paths) -> Inspection:
    """Find all that is wrong with an inventory under a contract, without a connection.

    Parameters
    ----------
    spec : Spec
        The contract.
    paths : path or sequence of paths
        The inventory: files and folders.

    Returns
    -------
    Inspection
        Faults as problems: nothing that a user can mend is raised.
    """
    try:
        reading = read(paths, lambda _: spec.node_groups)
        with quiet():
            return _inspect(spec, reading)
    except FleetError as error:
        return _unreadable(error, paths)


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
        plan = _plan(planner, node, reading, faults)
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


def _plan(planner: Planner, node: Node, reading: Reading, faults: Faults) -> NodePlan | None:
    try:
        return planner.plan(node)
    except Problem as problem:
        # Any of them may be the wrong one; the place of that which says most directly what is
        # wanted is shown.
        said = [name for name, given in _says(node, reading) if given]
        what = f"{problem.what}, by {listed(said, 'and')}" if said else problem.what
        variable = next((name for name in said if name != _VISIT), "")
        faults.add(node.name, Finding(problem.rule, variable, None, what, problem.mend))
    return None


def _says(node: Node, reading: Reading) -> tuple[tuple[str, bool], ...]:
    asked = node.name in reading.asked
    return (
        ("fleet_overrides", bool(node.overrides)),
        ("fleet_slots", node.slots is not None),
        ("fleet_mig", bool(node.mig) and not asked),
        ("fleet_gpus", node.gpus is not None and not asked),
        (_VISIT, asked),
    )


def _unreadable(error: FleetError, paths: Paths) -> Inspection:
    if not isinstance(error, Problem):
        place = Place(error.where or str(several(paths)[0]))
        error = Problem(UNREADABLE, error.what, place=place, mend=error.mend)
    return Inspection([error], [], nodes=0, slots=0)
