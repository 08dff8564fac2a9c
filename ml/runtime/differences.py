"""How a task differs from the template that it was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml.runtime.routing import Routing

_NONE = "(none)"
_SHOWN = 80


@dataclass(frozen=True)
class Template:
    """A published version of a template, as far as a task must be as it is.

    Parameters
    ----------
    id, channel : str
    script, container : mapping
        As the server has them.
    routing : Routing
    """

    id: str
    channel: str
    script: Mapping[str, Any]
    container: Mapping[str, Any]
    routing: Routing


@dataclass(frozen=True)
class Difference:
    """One thing that a task has otherwise than its template.

    Parameters
    ----------
    part : str
        A word or two for a table.
    template, task : str
        Both values, shortened.
    mend : str
        What to do about it.
    by_a_person : bool
        Whether somebody edited the task. The image nobody can choose: the agent of a slot takes
        the slot's own, and it is the template's as soon as both were rolled out.
    """

    part: str
    template: str
    task: str
    mend: str
    by_a_person: bool = True

    def __str__(self) -> str:
        return f"{self.part}: {self.task}; the template has {self.template}. {self.mend}"


def compare(
    script: Mapping[str, Any],
    container: Mapping[str, Any],
    routing: Routing | None,
    queue: str,
    template: Template,
) -> list[Difference]:
    """All differences between a task and a version of its template.

    Parameters
    ----------
    script, container : mapping
        The task's, as the server has them. An agent that runs tasks in containers has written
        there by now which image it really took.
    routing : Routing or None
        The task's own; None where it has none, or one that cannot be read.
    queue : str
        Where the task runs; the image is the one that the template names for it.
    template : Template
    """
    image = template.routing.image_for(queue) or str(template.container.get("image") or "")
    edited = "Clone the template again and leave its {} as it is"
    checks = (
        ("repository", script, template.script, edited.format("repository")),
        ("version_num", script, template.script, edited.format("commit")),
        ("entry_point", script, template.script, edited.format("entry point")),
        ("working_dir", script, template.script, edited.format("working directory")),
        ("binary", script, template.script, edited.format("interpreter")),
        ("diff", script, template.script, "Commit the change and publish the templates"),
        ("setup_shell_script", container, template.container, edited.format("set-up script")),
        ("arguments", container, template.container, edited.format("container arguments")),
    )
    found = [
        Difference(_PARTS[key], _short(wanted.get(key)), _short(given.get(key)), mend)
        for key, given, wanted, mend in checks
        if _text(given.get(key)) != _text(wanted.get(key))
    ]
    asked = requirement_lines(script.get("requirements"))
    recorded = requirement_lines(template.script.get("requirements"))
    if sorted(asked) != sorted(recorded):
        mend = "Only what the template records is ever installed: remove them from the clone, or "
        mend += "have the phase declare them, pinned, and publish it"
        found.append(
            Difference("packages", _short(", ".join(recorded)), _short(", ".join(asked)), mend)
        )
    given_image = str(container.get("image") or "")
    if _version(given_image) != _version(image):
        mend = "Run `fleet template publish` if the node is right, or bring the node up to date "
        mend += "(site.yml)"
        found.append(Difference("image", _tail(image), _tail(given_image), mend, False))
    if routing != template.routing:
        given = "edited" if routing else _NONE
        mend = "Clone the template again and leave its configuration object routing as it is"
        found.append(Difference("routing", "as published", given, mend))
    return found


def requirement_lines(requirements: Any) -> list[str]:
    """The packages that a task's requirements name, without comments."""
    if isinstance(requirements, Mapping):
        texts = [requirements.get("pip"), requirements.get("conda")]
    else:
        texts = [requirements]
    lines: list[str] = []
    for text in texts:
        given = text if isinstance(text, Sequence) and not isinstance(text, str) else [text]
        lines += [line for part in given for line in str(part or "").splitlines()]
    stripped = (line.split("#")[0].strip() for line in lines)
    return [line for line in stripped if line]


_PARTS = {
    "repository": "repository",
    "version_num": "commit",
    "entry_point": "entry point",
    "working_dir": "working directory",
    "binary": "interpreter",
    "diff": "uncommitted changes",
    "setup_shell_script": "set-up script",
    "arguments": "container arguments",
}


def _text(value: Any) -> str:
    return "" if value in (None, ".") else str(value).strip()


def _short(value: Any) -> str:
    text = " ".join(str(value or "").split())
    return (text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…") or _NONE


def _version(image: str) -> str:
    """What tells images apart: the digest, whatever registry it was pulled from."""
    return image.partition("@")[2] or image


def _tail(image: str) -> str:
    """An image's own name, digest and all, without its registry."""
    return image.rpartition("/")[2] or _NONE
