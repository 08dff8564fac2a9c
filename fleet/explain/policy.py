"""The policy of queues.yml in words: who decides, who may start what, with which packages."""

from __future__ import annotations

from typing import Any

from fleet.explain.answer import listed
from fleet.plan import routing
from fleet.spec import Spec
from ml.catalog import PHASES

_CHOICE = {
    "fixed": "the operator decides where work runs: each phase goes to its queue, and nobody who "
    "starts work may choose another",
    "phase": "whoever starts work may choose among the queues that take its phase",
    "free": "whoever starts work may choose any declared queue",
}
_ENTRY = {
    "pipeline": "people are offered the pipeline, and predictions from its runs",
    "phase": "people are offered every single phase, and not the pipeline",
    "both": "people are offered the pipeline and every single phase",
}
_ENVIRONMENT = {
    "strict": "a task has the packages of its image and no others",
    "extended": "a phase may add pinned packages to those of its image, which its template records",
}
_DIFFERENCES = {
    "refuse": "a task whose code or packages are not its template's is refused; one whose image "
    "alone is not runs, and bears a mark",
    "mark": "a task whose code, packages or image are not its template's runs, and bears a mark",
}


def choice_in_words(spec: Spec) -> str:
    """Who decides which queue a task goes to, as a sentence."""
    return _sentence(_CHOICE, "queue_choice", spec.policy.queue_choice)


def policy_in_words(spec: Spec) -> list[str]:
    """Every decision of the policy, a sentence each."""
    policy = spec.policy
    sentences = [
        choice_in_words(spec),
        _sentence(_ENTRY, "entry", policy.entry),
        _sentence(_ENVIRONMENT, "environment", policy.environment),
        _sentence(_DIFFERENCES, "differences", policy.differences),
    ]
    if not policy.access.may_run:
        return [*sentences, "Everybody may start what is offered (`access` names nobody)."]
    return [*sentences, *(who_in_words(spec, phase) for phase in policy.access.may_run)]


def who_in_words(spec: Spec, phase: str) -> str:
    """Who may start work of a phase, as a sentence."""
    if not is_offered(spec, phase):
        by = "people start its phases" if PHASES[phase].is_controller else "the pipeline starts it"
        return f"Nobody may start {phase} by itself; {by} (policy entry: {spec.policy.entry})."
    who = spec.policy.access.may_run.get(phase)
    if who is None:
        return f"Everybody may start {phase}."
    if not who:
        return f"Nobody may start {phase}."
    groups = spec.policy.access.groups
    named = [f"{name} ({', '.join(groups[name])})" if name in groups else name for name in who]
    return f"Only {listed(named)} may start {phase}."


def is_offered(spec: Spec, phase: str) -> bool:
    """Whether people may start a phase by itself at all."""
    return routing(spec).policy.offers(PHASES[phase])


def who_as_facts(spec: Spec, phase: str) -> dict[str, Any]:
    """The same as data: `may_start` is None where everybody may."""
    return {
        "offered": is_offered(spec, phase),
        "may_start": spec.policy.access.may_run.get(phase),
    }


def _sentence(words: dict[str, str], key: str, value: str) -> str:
    text = words[value]
    return f"{text[0].upper()}{text[1:]} (policy {key}: {value})."
