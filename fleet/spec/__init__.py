"""queues.yml: read with positions, checked as a whole, handed on as typed models."""

from fleet.spec.loader import SPEC_FILE, load
from fleet.spec.models import Image, NodeGroup, Policy, Queue, Spec

__all__ = ["SPEC_FILE", "Image", "NodeGroup", "Policy", "Queue", "Spec", "load"]
