"""What a role takes and offers, for its README: written from its argument specs.

Run as `python -m fleet.role_docs`. What stands above the marker in a README is its author's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from fleet.paths import REPOSITORY

ROLES = REPOSITORY / "roles"
MARKER = "<!-- What follows is written by `make generate` from meta/argument_specs.yml. -->"


def roles() -> list[Path]:
    """The folders of all roles."""
    return sorted(path.parent.parent for path in ROLES.glob("*/meta/argument_specs.yml"))


def read_specs(role: Path) -> dict[str, Any]:
    """The entry points of a role, by name: `main` first."""
    text = (role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["argument_specs"]


def readme(role: Path) -> str:
    """What the role's README shall be, with the author's part of the one that is there."""
    specs = read_specs(role)
    path = role / "README.md"
    there = path.read_text(encoding="utf-8") if path.exists() else ""
    head = there.partition(MARKER)[0].rstrip()
    if not head:
        head = f"# {role.name}\n\n{specs['main']['short_description']}."
    return f"{head}\n\n{MARKER}\n\n{variables(specs)}{entry_points(specs)}"


def variables(specs: dict[str, Any]) -> str:
    """A table of all variables that any entry point takes."""
    options = {
        name: option
        for entry in specs.values()
        for name, option in entry.get("options", {}).items()
    }
    if not options:
        return "It takes no variables.\n"
    rows = [
        f"| `{name}` | {_kind(option)} | {_default(option)} | {_meaning(option)} |\n"
        for name, option in options.items()
    ]
    return "| variable | type | default | meaning |\n| --- | --- | --- | --- |\n" + "".join(rows)


def entry_points(specs: dict[str, Any]) -> str:
    """What may be asked of the role, where that is more than its main work."""
    others = {name: entry for name, entry in specs.items() if name != "main"}
    if not others:
        return ""
    rows = [
        f"| `{name}` | {_cell([entry['short_description'], *_lines(entry.get('description'))])} |\n"
        for name, entry in others.items()
    ]
    return "\n| `tasks_from` | what it does |\n| --- | --- |\n" + "".join(rows)


def _kind(option: dict[str, Any]) -> str:
    elements = option.get("elements")
    return f"{option['type']} of {elements}" if elements else option["type"]


def _default(option: dict[str, Any]) -> str:
    if option.get("required"):
        return "required"
    default = option["default"]
    text = default if isinstance(default, str) else json.dumps(default, ensure_ascii=False)
    return f"`{text}`" if text else "none"


def _meaning(option: dict[str, Any]) -> str:
    choices = [f"One of: {', '.join(map(str, option['choices']))}"] if "choices" in option else []
    return _cell([*_lines(option["description"]), *choices])


def _lines(description: str | list[str] | None) -> list[str]:
    return [description] if isinstance(description, str) else list(description or [])


def _cell(sentences: list[str]) -> str:
    text = " ".join(f"{line.strip().rstrip('.')}." for line in sentences)
    return " ".join(text.split()).replace("|", r"\|")


if __name__ == "__main__":
    for each in roles():
        (each / "README.md").write_text(readme(each), encoding="utf-8")
