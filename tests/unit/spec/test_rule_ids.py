"""The list of rules is complete: whoever leaves one out must be able to name it."""

from __future__ import annotations

import ast
import re

from fleet.paths import REPOSITORY
from fleet.spec.rule_ids import RULES

_ID = re.compile(r"[a-z]+(-[a-z]+)+")
_WHERE = ("spec", "plan", "inventory")
#: The list itself, and the tags of workers, whose kinds are written as rules are.
_NO_PROBLEMS = ("rule_ids.py", "container.py")


def _used() -> set[str]:
    """The ids that the code gives to problems: no other text in it is written as they are."""
    found = set()
    for folder in _WHERE:
        for file in (REPOSITORY / "fleet" / folder).rglob("*.py"):
            if file.name in _NO_PROBLEMS:
                continue
            for node in ast.walk(ast.parse(file.read_text())):
                found.add(_made(node))
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return {text for text in found if _ID.fullmatch(text)}


def _made(node: ast.AST) -> str:
    """The id that `contract.unknown(kind, …)` makes; empty for all else."""
    call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr
    if call != "unknown":
        return ""
    return f"unknown-{ast.literal_eval(node.args[0]).replace(' ', '-')}"


def test_the_list_has_just_the_rules_that_are_used():
    assert _used() == RULES
