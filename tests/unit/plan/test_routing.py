"""What a template carries of the contract, as the step code reads it."""

from __future__ import annotations

import dataclasses

from fleet.plan import policy, routing
from fleet.spec.models import Policy
from ml.catalog import PHASES
from ml.runtime.routing import Routing
from tests.own_contract import SPEC


def test_every_decision_of_the_contract_is_carried():
    access = {"groups": {"modellers": ["Ann"]}, "may_run": {"training": ["modellers"]}}
    given = {
        "entry": "phase",
        "access": access,
        "environment": "extended",
        "differences": "mark",
        "queue_choice": "free",
    }
    assert set(given) == set(Policy.model_fields)
    route = routing(SPEC.model_copy(update={"policy": Policy.model_validate(given)}))
    held = Routing.model_validate(route.model_dump(mode="json"))
    assert held.policy.model_dump(exclude={"owners"}) | {"queue_choice": held.queue_choice} == given


def test_whom_to_ask_about_a_phase_is_the_owner_of_its_first_queue():
    queues = {
        name: queue.model_copy(update={"owner": f"team {name}" if name != "services" else ""})
        for name, queue in SPEC.queues.items()
    }
    owners = policy(SPEC.model_copy(update={"queues": queues})).owners
    assert owners["training"] == "team cpu-train"
    assert "pipeline" not in owners


def test_the_packages_of_the_phases_that_declare_some_are_carried(monkeypatch):
    assert routing(SPEC).packages == {}
    phase = dataclasses.replace(PHASES["training"], packages=("umap-learn==0.5.7",))
    monkeypatch.setitem(PHASES, "training", phase)
    assert routing(SPEC).packages == {"training": ["umap-learn==0.5.7"]}


def test_a_contract_that_restricts_nobody_is_carried_so():
    held = policy(SPEC)
    assert all(held.offers(phase) for phase in PHASES.values())
    assert held.access.may_run == {}
    assert (held.environment, held.differences) == ("strict", "refuse")
