"""Problems as SARIF 2.1.0, which code-review tools show on the line.

The format: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fleet.spec.problems import Problem

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_TOOL = "fleet validate"
# By convention: the root of the repository, wherever the reader has it.
_ROOT = "%SRCROOT%"


def report(problems: Sequence[Problem], notes: Sequence[str] = ()) -> dict[str, Any]:
    """A SARIF log of one run.

    Parameters
    ----------
    problems : sequence of Problem
        Each becomes a result of level `error`.
    notes : sequence of str
        They become notifications of the run.
    """
    rules = sorted({problem.rule for problem in problems})
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": _TOOL, "rules": [_rule(rule) for rule in rules]}},
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [
                            {"level": "note", "message": {"text": note}} for note in notes
                        ],
                    }
                ],
                "results": [_result(problem, rules.index(problem.rule)) for problem in problems],
            }
        ],
    }


def _rule(rule: str) -> dict[str, Any]:
    words = rule.split("-")
    text = {"text": " ".join(words).capitalize()}
    return {
        "id": rule,
        "name": "".join(word.capitalize() for word in words),
        "shortDescription": text,
        "fullDescription": text,
        "help": {"text": "Each result says how to mend it; `fleet validate` shows the same."},
        "defaultConfiguration": {"level": "error"},
    }


def _result(problem: Problem, rule_index: int) -> dict[str, Any]:
    artifact = _artifact(problem.place.file)
    region = {"startLine": problem.place.line or 1}
    if problem.place.line and problem.place.column:
        region["startColumn"] = problem.place.column
    mark = "\0".join((problem.rule, artifact["uri"], problem.what))
    return {
        "ruleId": problem.rule,
        "ruleIndex": rule_index,
        "level": "error",
        "message": {"text": f"{problem.what}. Fix: {problem.mend}"},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region}}],
        # Without the line, so that a problem that moves is the same one.
        "partialFingerprints": {"problem/v1": hashlib.sha256(mark.encode()).hexdigest()[:32]},
    }


def _artifact(file: str) -> dict[str, str]:
    path = Path(file).absolute()
    for root in path.parents:
        if (root / ".git").exists():
            return {"uri": quote(path.relative_to(root).as_posix()), "uriBaseId": _ROOT}
    return {"uri": f"file://{quote(path.as_posix())}"}
