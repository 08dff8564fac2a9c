"""Smoke as a playbook has it: plain data of many hosts in, plain data out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fleet.clearml_api import Api
from fleet.smoke.outcome import Handed, Proof, read_outcomes, weigh
from fleet.smoke.tasks import SmokeSlot


def slots_from_plans(slots: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[SmokeSlot]:
    """Host → slots of its plan, as what is expected of each."""
    return [SmokeSlot.from_plan(host, slot) for host, found in slots.items() for slot in found]


def prove(
    api: Api,
    slots: Mapping[str, Sequence[Mapping[str, Any]]],
    handed: Mapping[str, Mapping[str, Mapping[str, Any]]],
    *,
    seconds: float = 0,
) -> dict[str, Proof]:
    """Host → what is known of its slots, by one look at the server.

    Parameters
    ----------
    api : Api
        The server.
    slots : mapping
        Host → slots of its plan.
    handed : mapping
        Host → slot → what the host's module told.
    seconds : float
        How long to wait for tasks that still run.
    """
    told = {
        host: {slot: Handed(**one) for slot, one in found.items()} for host, found in handed.items()
    }
    ran = [one.task for found in told.values() for one in found.values() if one.state != "waiting"]
    outcomes = read_outcomes(api, ran, seconds=seconds)
    return {
        host: weigh(found, {slot["name"]: slot["image"] for slot in slots[host]}, outcomes)
        for host, found in told.items()
    }


def not_proven(proofs: Mapping[str, Proof]) -> Iterator[str]:
    """A line for each slot that no task has proven yet, though nothing is wrong."""
    for host, proof in proofs.items():
        for slot, why in proof.waiting.items():
            yield (
                f"Not proven yet: slot {slot} of {host}: {why}. "
                f"When it is free: ansible-playbook smoke.yml --limit {host}"
            )


def as_data(proofs: Mapping[str, Proof]) -> dict[str, dict[str, Any]]:
    """`passed`, `waiting` and `wrong`, each by host; hosts with nothing of it are left out.

    Not `failed`, which a module's result says of the module itself.
    """
    return {
        "passed": {host: list(proof.passed) for host, proof in proofs.items() if proof.passed},
        "waiting": {host: dict(proof.waiting) for host, proof in proofs.items() if proof.waiting},
        "wrong": {host: _said(proof) for host, proof in proofs.items() if proof.failed},
    }


def _said(proof: Proof) -> list[str]:
    return [f"slot {slot}: {problem}" for slot, found in proof.failed.items() for problem in found]
