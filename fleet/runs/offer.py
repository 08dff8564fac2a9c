"""What people may start: the templates that the policy offers, and who may start each."""

from __future__ import annotations

from fleet.clearml_api import Api
from fleet.plan import policy
from fleet.spec import Spec
from ml.catalog import PHASES, Phase
from ml.runtime.policy import User, check_access


def offered(spec: Spec) -> list[Phase]:
    """The phases whose templates people may start, in the order of the workflow."""
    rules = policy(spec)
    return [phase for phase in PHASES.values() if rules.offers(phase)]


def check_user(api: Api, spec: Spec, template: str) -> None:
    """Refuse a template that the user of the connection may not start.

    Parameters
    ----------
    api : Api
        The server; it is asked only where the policy restricts the template.
    spec : Spec
        The contract.
    template : str
        What is to be started.

    Raises
    ------
    UserError
        It names who may, and whom to ask.
    """
    if template in spec.policy.access.may_run:
        user = api.call("users.get_current_user")["user"]
        check_access(policy(spec), template, User(user["id"], user.get("name") or ""))
