"""Templates: what publishing would write now, against what is published."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fleet.drift.model import Difference, FieldChange, Live, Wanted
from fleet.templates import Part, StepCode, differing_parts, template_content
from ml.catalog import PHASES
from ml.runtime.conventions import ROUTING_OBJECT, TEMPLATE_PROJECT, phase_of

_NONE = "none"
_ROUTING = f"configuration.{ROUTING_OBJECT}."


def compare_templates(wanted: Wanted, live: Live) -> Iterator[Difference]:
    """Phases without a stable template, templates that publishing would replace, and surplus ones.

    The commit is no difference: developers decide when theirs is published.

    Raises
    ------
    FleetError
        An image has no digest.
    """
    mend = wanted.commands.publish()
    for phase in PHASES.values():
        task = live.templates.get(phase.name)
        if task is None:
            yield Difference("add", "template", phase.name, "not published", mend)
            continue
        code = published_code(task)
        content = template_content(
            wanted.spec, phase, code, registry=wanted.registry, digests=wanted.digests
        )
        parts = differing_parts({"hyperparams": {}, **task}, content)
        if parts:
            yield Difference(
                "change",
                "template",
                phase.name,
                why=f"published otherwise, at commit {code.commit[:12]}",
                mend=mend,
                changes=tuple(_change(part) for part in parts),
            )
    yield from _surplus(live, mend)


def _surplus(live: Live, publish: str) -> Iterator[Difference]:
    """Templates that nobody is to clone: of a phase that is gone, or with a newer one beside it."""
    for phase, task in live.templates.items():
        if phase not in PHASES:
            yield Difference(
                "remove",
                "template",
                phase,
                why=f"there is no such phase any more: its step code is gone (task {_id(task)})",
                mend="archive {name} in ClearML, in the project " + TEMPLATE_PROJECT,
            )
    for task in live.older:
        phase = phase_of(task["tags"])
        if phase in PHASES:
            why = f"a second one: task {_id(task)} is older than the newest, task "
            why += f"{_id(live.templates[phase])}, and in its channel"
            yield Difference("remove", "template", phase, why, mend=publish)
        else:
            yield Difference(
                "remove",
                "template",
                phase,
                why=f"a second one, of a phase that there is no longer (task {_id(task)})",
                mend="archive {name} in ClearML, in the project " + TEMPLATE_PROJECT,
            )


def _id(task: Mapping[str, Any]) -> str:
    return task.get("id") or "without an id"


def published_code(task: Mapping[str, Any]) -> StepCode:
    """The step code that a template is pinned to."""
    script = task.get("script") or {}
    return StepCode(
        repository=script.get("repository") or "",
        commit=script.get("version_num") or "",
        branch=script.get("branch") or "",
    )


def _change(part: Part) -> FieldChange:
    old, new = _shown(part.published), _shown(part.wanted)
    name, at, _ = new.partition("@")
    if at and old.startswith(name + at):
        # The same image of the same registry: its digest is what differs.
        old, new = old.removeprefix(name + at), new.removeprefix(name + at)
    return FieldChange(_in_words(part.name), old, new)


def _in_words(path: str) -> str:
    """`configuration.routing.queues.training` as `queues of training`."""
    if path.startswith(_ROUTING):
        what, _, name = path.removeprefix(_ROUTING).partition(".")
        what = what.replace("_", " ")
        return f"{what} of {name}" if name else what
    section, _, rest = path.partition(".")
    if section == "hyperparams":
        parts = rest.split(".")
        return " ".join(["field", "/".join(parts[:2]), *parts[2:]])
    return rest or path


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value or _NONE
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or _NONE
    return _NONE if value is None else json.dumps(value, sort_keys=True)
