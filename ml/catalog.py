"""The phases there are. Each module of :mod:`ml.phases` declares one as ``PHASE``."""

from __future__ import annotations

import ml.phases
from ml.runtime.discovery import declared
from ml.runtime.phase import Phase

PHASES: dict[str, Phase] = {
    phase.name: phase
    for phase in sorted(declared(ml.phases, "PHASE"), key=lambda phase: phase.order)
}

__all__ = ["PHASES", "Phase"]
