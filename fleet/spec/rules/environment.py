"""The packages that phases add to their image's: pinned, and where the policy allows any."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.spec.contract import Contract
from fleet.spec.problems import Problem
from ml.catalog import PHASES
from ml.runtime.errors import UserError
from ml.runtime.packages import check_packages

_AT = ("policy", "environment")


def check(contract: Contract) -> Iterator[Problem]:
    """Phases whose packages the policy does not allow."""
    for phase in PHASES.values():
        try:
            check_packages(phase, contract.spec.policy.environment)
        except UserError as error:
            yield contract.problem("phase-packages", error.what, *_AT, mend=error.mend)
