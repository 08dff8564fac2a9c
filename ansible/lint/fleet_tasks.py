"""Rules of this repository for tasks; ansible-lint finds them here (`rulesdir`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ansiblelint.rules import AnsibleLintRule

if TYPE_CHECKING:
    from ansiblelint.file_utils import Lintable
    from ansiblelint.utils import Task

#: Actions that do their work on the control machine, whatever host they are for.
_AT_HOME = {
    "add_host", "assert", "debug", "fail", "group_by", "import_role", "import_tasks",
    "include_role", "include_tasks", "include_vars", "meta", "pause", "set_fact",
}  # fmt: skip
_WRITERS = {"assemble", "blockinfile", "copy", "file", "get_url", "lineinfile", "replace"}
_WRITERS |= {"template", "unarchive"}
_DAEMON_FILE = "docker/daemon.json"
_ROLE_FOLDERS = {"handlers", "tasks"}


class NoLoopOnNodes(AnsibleLintRule):
    """A loop costs a connection for each item: one module does it all."""

    id = "fleet-loop"
    description = (
        "A task that loops over slots, files or packages connects to the node once for each of "
        "them. Write one module that takes the list, or loop on the control machine."
    )
    severity = "HIGH"
    tags: ClassVar[list[str]] = ["fleet"]

    def matchtask(self, task: Task, file: Lintable | None = None) -> bool | str:
        """A task that loops and works on the node; what sets up a test may."""
        if file is not None and "molecule" in file.path.parts:
            return False
        if _action(task) in _AT_HOME or task.get("delegate_to") == "localhost":
            return False
        return any(key == "loop" or key.startswith("with_") for key in task)


class OwnersAndModes(AnsibleLintRule):
    """What is written has an owner, a group and a mode."""

    id = "fleet-owner"
    description = "Say owner, group and mode of each file and folder: defaults differ by machine."
    severity = "HIGH"
    tags: ClassVar[list[str]] = ["fleet"]

    def matchtask(self, task: Task, file: Lintable | None = None) -> bool | str:
        """A task that writes, and leaves one of them out."""
        if _action(task) not in _WRITERS:
            return False
        arguments = task["action"]
        if arguments.get("state") in ("absent", "link", "hard"):
            return False
        missing = [key for key in ("owner", "group", "mode") if key not in arguments]
        return f"{self.shortdesc} Missing: {', '.join(missing)}." if missing else False


class OneOwnerOfDaemonJson(AnsibleLintRule):
    """Only the role docker writes Docker's daemon.json."""

    id = "fleet-daemon-json"
    description = "Two writers of daemon.json undo each other. Set docker_daemon_options instead."
    severity = "VERY_HIGH"
    tags: ClassVar[list[str]] = ["fleet"]

    def matchtask(self, task: Task, file: Lintable | None = None) -> bool | str:
        """A task of another role that names the file, or a command that is known to write it."""
        if file is not None and "/roles/docker/" in str(file.path.resolve()):
            return False
        if file is not None and "molecule" in file.path.parts:
            return False
        said = " ".join(_strings(task["action"]))
        return _DAEMON_FILE in said or "nvidia-ctk runtime configure" in said


class PrivateNames(AnsibleLintRule):
    """What a role registers or sets is private: role__name."""

    id = "fleet-private"
    description = "Names that a role makes for itself have two underscores, as in docker__daemon."
    severity = "MEDIUM"
    tags: ClassVar[list[str]] = ["fleet"]

    def matchtask(self, task: Task, file: Lintable | None = None) -> bool | str:
        """A task of a role that registers or sets a public name."""
        role = _role(file)
        if role is None:
            return False
        names = [task["register"]] if task.get("register") else []
        if _action(task) == "set_fact":
            names += [key for key in task["action"] if not key.startswith(("__", "cacheable"))]
        wrong = [name for name in names if not name.startswith(f"{role}__")]
        return f"{self.shortdesc} Not: {', '.join(wrong)}." if wrong else False


class NoIgnoredErrors(AnsibleLintRule):
    """An error is handled, never ignored."""

    id = "fleet-ignored"
    description = "Say what is no failure by failed_when, or handle it in a rescue."
    severity = "HIGH"
    tags: ClassVar[list[str]] = ["fleet"]

    def matchtask(self, task: Task, file: Lintable | None = None) -> bool | str:
        """A task that ignores its errors, in check mode too."""
        return "ignore_errors" in task


def _action(task: Task) -> str:
    return str(task["action"]["__ansible_module__"]).removeprefix("ansible.builtin.")


def _role(file: Lintable | None) -> str | None:
    parts = file.path.resolve().parts if file is not None else ()
    # A checkout may lie below a folder of this name, too.
    for index, part in enumerate(parts[:-2]):
        if part == "roles" and parts[index + 2] in _ROLE_FOLDERS:
            return parts[index + 1]
    return None


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [str(value)]
