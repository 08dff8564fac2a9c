"""What phases declare is checked with the file: the policy there says what they may."""

import dataclasses

import pytest

from fleet.spec import examine
from fleet.spec.rules import environment
from ml.catalog import PHASES
from tests.own_contract import SPEC_TEXT


@pytest.fixture
def declared(monkeypatch):
    def declare(*packages):
        phase = dataclasses.replace(PHASES["training"], packages=packages)
        monkeypatch.setattr(environment, "PHASES", {**PHASES, "training": phase})

    return declare


def _examined(tmp_path, mode):
    path = tmp_path / "queues.yml"
    path.write_text(f"{SPEC_TEXT.rstrip()}\n  environment: {mode}\n")
    problems = examine(path)[1]
    return problems, len(path.read_text().splitlines())


def test_pinned_packages_are_a_problem_in_a_strict_environment_alone(declared, tmp_path):
    declared("umap-learn==0.5.7")
    assert _examined(tmp_path, "extended")[0] == []
    (problem,), line = _examined(tmp_path, "strict")
    assert problem.rule == "phase-packages"
    assert (problem.place.line, "umap-learn==0.5.7" in problem.what) == (line, True)
    assert "environment: extended" in problem.mend


@pytest.mark.parametrize("mode", ["strict", "extended"])
def test_packages_that_are_not_pinned_always_are(declared, tmp_path, mode):
    declared("umap-learn>=0.5")
    (problem,), _ = _examined(tmp_path, mode)
    assert "not pinned: umap-learn>=0.5" in problem.what
