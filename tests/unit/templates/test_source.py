from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fleet.errors import FleetError
from fleet.templates.source import committed_step_code, remote_branches_with


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "-q", "-b", "main")
    _git(tmp_path, "config", "user.email", "test@example.com")
    _git(tmp_path, "config", "user.name", "test")
    (tmp_path / "ml").mkdir()
    (tmp_path / "ml" / "step.py").write_text("print(1)\n")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-qm", "step")
    return tmp_path


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_commit_is_the_last_that_touched_the_step_code(checkout):
    commit = _git(checkout, "rev-parse", "HEAD")
    (checkout / "README.md").write_text("words\n")
    _git(checkout, "add", ".")
    _git(checkout, "commit", "-qm", "words")
    assert committed_step_code(checkout) == commit


@pytest.mark.parametrize("change", ["edited", "new", "deleted"])
def test_step_code_that_is_not_committed_is_refused_by_name(checkout, change):
    file = checkout / "ml" / "step.py"
    if change == "edited":
        file.write_text("print(2)\n")
    elif change == "new":
        (checkout / "ml" / "other.py").write_text("")
    else:
        file.unlink()
    with pytest.raises(FleetError, match="not committed") as caught:
        committed_step_code(checkout)
    assert ("other.py" if change == "new" else "step.py") in str(caught.value)
    assert "git add ml" in str(caught.value)


def test_a_change_outside_the_step_code_does_not_matter(checkout):
    (checkout / "notes.txt").write_text("x")
    assert len(committed_step_code(checkout)) == 40


def test_a_folder_that_is_no_checkout_is_named(tmp_path):
    with pytest.raises(FleetError, match="`git` failed") as caught:
        committed_step_code(tmp_path)
    assert "not a git repository" in str(caught.value)
    assert "clone one" in str(caught.value)


def test_a_checkout_without_step_code_is_refused(checkout):
    _git(checkout, "checkout", "-q", "--orphan", "empty")
    _git(checkout, "rm", "-rqf", ".")
    _git(checkout, "commit", "-q", "--allow-empty", "-m", "nothing")
    with pytest.raises(FleetError, match="no commit holds the step code"):
        committed_step_code(checkout)


def test_a_commit_counts_as_offered_once_a_remote_branch_holds_it(checkout, tmp_path_factory):
    remote = tmp_path_factory.mktemp("remote")
    _git(remote, "init", "-q", "--bare")
    _git(checkout, "remote", "add", "origin", str(remote))
    commit = _git(checkout, "rev-parse", "HEAD")
    assert remote_branches_with(commit, checkout) == []
    _git(checkout, "push", "-q", "origin", "main")
    assert remote_branches_with(commit, checkout) == ["origin/main"]
