"""Smoke: one small real task for each slot, run by its agent; what came of it."""

from fleet.smoke.outcome import Handed, Outcome, Proof, read_outcomes, weigh
from fleet.smoke.playbook import as_data, not_proven, prove, slots_from_plans
from fleet.smoke.source import smoke_code
from fleet.smoke.tasks import SMOKE_PROJECT, SMOKE_TAG, SmokeSlot, create_tasks, remove_old

__all__ = [
    "SMOKE_PROJECT",
    "SMOKE_TAG",
    "Handed",
    "Outcome",
    "Proof",
    "SmokeSlot",
    "as_data",
    "create_tasks",
    "not_proven",
    "prove",
    "read_outcomes",
    "remove_old",
    "slots_from_plans",
    "smoke_code",
    "weigh",
]
