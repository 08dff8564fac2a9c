"""Rules of this repository for facts: none is gathered, and none is another host's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from ansiblelint.rules import AnsibleLintRule

if TYPE_CHECKING:
    from ansiblelint.errors import MatchError
    from ansiblelint.file_utils import Lintable
    from ansiblelint.utils import Task

_HOSTVARS = re.compile(r"\bhostvars\b(?!\[inventory_hostname\])")
_GROUPS = re.compile(r"(?<!\.)\bgroups(\[|\.|\s*\|)")
_KINDS = ("playbook", "tasks", "handlers", "vars")


class NoFactsGathered(AnsibleLintRule):
    """A play says `gather_facts: false`, and no task gathers them."""

    id = "fleet-facts"
    description = "Gathering costs a second for each host. A module reads what it needs itself."
    severity = "HIGH"
    tags: ClassVar[list[str]] = ["fleet"]

    def matchplay(self, file: Lintable, data: dict[str, Any]) -> list[MatchError]:
        """A play that gathers facts, or leaves it to a setting."""
        if file.kind != "playbook" or "hosts" not in data or data.get("gather_facts") is False:
            return []
        line = data.get("__line__", 1)
        return [self.create_matcherror(message=self.shortdesc, lineno=line, filename=file)]

    def matchtask(self, task: Task, file: Lintable | None = None) -> bool | str:
        """A task that gathers facts."""
        module = str(task["action"]["__ansible_module__"]).removeprefix("ansible.builtin.")
        return module in ("setup", "gather_facts", "package_facts", "service_facts")


class NoFactsOfOtherHosts(AnsibleLintRule):
    """A host depends on no other host's variables, so that --limit works."""

    id = "fleet-other-hosts"
    description = (
        "With --limit the other hosts are not in the play, and nothing is known of them. Use "
        "hostvars[inventory_hostname], or the hosts of this play: ansible_play_hosts."
    )
    severity = "HIGH"
    tags: ClassVar[list[str]] = ["fleet"]

    def matchyaml(self, file: Lintable) -> list[MatchError]:
        """A value that reads hostvars of hosts that may not be in the play."""
        if file.kind not in _KINDS:
            return []
        return [
            self.create_matcherror(
                message=self.shortdesc, lineno=_line(file.content, text), filename=file
            )
            for text in _strings(file.data)
            if _GROUPS.search(text) or (_HOSTVARS.search(text) and "ansible_play_hosts" not in text)
        ]


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []


def _line(content: str, text: str) -> int:
    first = text.strip().splitlines()[0]
    lines = content.splitlines()
    return next((number for number, line in enumerate(lines, 1) if first in line), 1)
