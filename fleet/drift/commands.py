"""The commands that make a fleet what is declared, as people type them in the current folder."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fleet.paths import REPOSITORY

_PLAYBOOKS = REPOSITORY / "ansible"
#: What stands for the address of the git repository, where no template says it.
GIT_URL = "GIT_URL"


@dataclass(frozen=True)
class Commands:
    """Commands with all that they need to mean the same fleet as the plan did.

    Attributes
    ----------
    inventories : tuple of Path
        Those of the plan; without any, the playbook's own default.
    variables : mapping of str to str
        Variables of the inventory that the plan was given another value of.
    publishing : mapping of str to str
        Option of `fleet template publish` → value.
    """

    inventories: tuple[Path, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    publishing: Mapping[str, str] = field(default_factory=dict)

    def site(self, *arguments: str) -> str:
        """Provisioning: `site.yml`, from the folder that has Ansible's settings."""
        more = f" {shlex.join(arguments)}" if arguments else ""
        return f"({self._provisioning}{more})"

    @cached_property
    def _provisioning(self) -> str:
        """What is the same for each of ten thousand nodes."""
        words = ["ansible-playbook"]
        for path in self.inventories:
            words += ["-i", seen_from(path, _PLAYBOOKS)]
        words.append("site.yml")
        for name, value in self.variables.items():
            words += ["-e", f"{name}={value}"]
        return f"cd {shlex.quote(seen_from(_PLAYBOOKS))} && {shlex.join(words)}"

    def limited(self, *nodes: str) -> str:
        """Provisioning of some nodes alone."""
        return self.site("--limit", ",".join(nodes))

    def publish(self) -> str:
        """Publishing of the templates."""
        words = ["fleet", "template", "publish"]
        for option, value in self.publishing.items():
            words += [option, value]
        return shlex.join(words)


#: Those of a checkout's own defaults.
PLAIN = Commands()


def seen_from(path: Path, folder: Path | None = None) -> str:
    """A path as it is written in a folder, by default the current one: the shorter way."""
    absolute = os.path.abspath(path)
    try:
        relative = os.path.relpath(absolute, folder)
    except OSError:  # no current folder any more
        return absolute
    return min(relative, absolute, key=len)
