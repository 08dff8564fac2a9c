"""What SARIF 2.1.0 and the code-review tools that read it require of a log."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest

from fleet.spec import Place, Problem
from fleet.spec.sarif import report


def _problem(rule: str, file: str, line: int | None = 3, column: int | None = 5) -> Problem:
    return Problem(rule, "what is wrong", place=Place(file, line, column), mend="do this")


@pytest.fixture
def repository(tmp_path):
    (tmp_path / ".git").mkdir()
    (tmp_path / "the inventory").mkdir()
    return tmp_path


def _run(log):
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    return run


def test_rules_are_declared_once_and_results_refer_to_them(repository):
    file = str(repository / "queues.yml")
    problems = [_problem("b-rule", file), _problem("a-rule", file, 4), _problem("b-rule", file, 9)]
    run = _run(report(problems))
    driver = run["tool"]["driver"]
    assert driver["name"]
    assert [rule["id"] for rule in driver["rules"]] == ["a-rule", "b-rule"]
    for rule in driver["rules"]:
        for part in ("shortDescription", "fullDescription", "help"):
            assert rule[part]["text"]
    assert [result["ruleId"] for result in run["results"]] == ["b-rule", "a-rule", "b-rule"]
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] == "error"
        assert result["message"]["text"] == "what is wrong. Fix: do this"


def test_places_are_relative_to_the_repository_and_encoded(repository):
    run = _run(report([_problem("a-rule", str(repository / "the inventory" / "hosts.yml"))]))
    (location,) = run["results"][0]["locations"]
    physical = location["physicalLocation"]
    assert physical["artifactLocation"] == {
        "uri": "the%20inventory/hosts.yml",
        "uriBaseId": "%SRCROOT%",
    }
    assert physical["region"] == {"startLine": 3, "startColumn": 5}
    assert run["columnKind"] == "unicodeCodePoints"


def test_a_relative_name_counts_from_the_current_folder(repository, monkeypatch):
    monkeypatch.chdir(repository / "the inventory")
    (result,) = _run(report([_problem("a-rule", "../queues.yml")]))["results"]
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uri"] == "queues.yml"


def test_a_file_outside_of_any_repository_has_its_own_address(tmp_path):
    (result,) = _run(report([_problem("a-rule", str(tmp_path / "queues.yml"))]))["results"]
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    address = urlsplit(artifact["uri"])
    assert address.scheme == "file"
    assert unquote(address.path) == str(tmp_path / "queues.yml")
    assert "uriBaseId" not in artifact


def test_a_problem_without_a_line_is_shown_on_the_first(repository):
    (result,) = _run(report([_problem("a-rule", str(repository / "x"), None, None)]))["results"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}


def test_a_problem_that_moves_to_another_line_keeps_its_fingerprint(repository):
    file = str(repository / "queues.yml")
    here, moved, other = _run(
        report([_problem("a-rule", file), _problem("a-rule", file, 9), _problem("b-rule", file)])
    )["results"]
    assert here["partialFingerprints"] == moved["partialFingerprints"]
    assert here["partialFingerprints"] != other["partialFingerprints"]


def test_a_run_without_problems_says_that_it_ran():
    run = _run(report([], ["look at this"]))
    assert run["results"] == []
    assert run["tool"]["driver"]["rules"] == []
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is True
    assert invocation["toolExecutionNotifications"] == [
        {"level": "note", "message": {"text": "look at this"}}
    ]
