"""queues.yml: read with positions, checked as a whole, handed on as typed models."""

from fleet.spec.loader import SPEC_FILE, examine, load
from fleet.spec.models import (
    Access,
    DataAccess,
    Image,
    Limits,
    Mount,
    NodeGroup,
    ObjectStore,
    Policy,
    Queue,
    Spec,
    Unmanaged,
)
from fleet.spec.problems import Place, Problem
from fleet.spec.remarks import notes

__all__ = [
    "SPEC_FILE",
    "Access",
    "DataAccess",
    "Image",
    "Limits",
    "Mount",
    "NodeGroup",
    "ObjectStore",
    "Place",
    "Policy",
    "Problem",
    "Queue",
    "Spec",
    "Unmanaged",
    "examine",
    "load",
    "notes",
]
