import subprocess

import pytest

from fleet.local import gitremote


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "someone")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "someone@example.org")
    path = tmp_path / "checkout"
    git(path.parent, "init", "--quiet", "--initial-branch=work", str(path))
    commit(path, "one")
    monkeypatch.setattr(gitremote, "REPOSITORY", path)
    return path


def git(path, *arguments):
    done = subprocess.run(
        ["git", "-C", str(path), *arguments], capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout.strip()


def commit(path, text):
    (path / "file").write_text(text)
    git(path, "add", "file")
    git(path, "commit", "--quiet", "--message", text)
    return git(path, "rev-parse", "HEAD")


def test_head_becomes_main_of_the_remote_whatever_its_branch(checkout, layout):
    head = gitremote.push(layout)
    assert head == git(checkout, "rev-parse", "HEAD")
    assert git(layout.git, "rev-parse", "main") == head


def test_pushing_again_follows_new_commits(checkout, layout):
    gitremote.push(layout)
    newer = commit(checkout, "two")
    assert gitremote.push(layout) == newer
    assert git(layout.git, "rev-parse", "main") == newer
    assert git(layout.git, "branch", "--format=%(refname:short)") == "main"


def test_commits_of_a_rewritten_history_stay_in_reach(checkout, layout):
    old = gitremote.push(layout)
    git(checkout, "commit", "--quiet", "--amend", "--message", "other")
    new = gitremote.push(layout)
    assert git(layout.git, "rev-parse", "main") == new
    assert git(layout.git, "for-each-ref", "--contains", old, "--format=%(refname:short)")


def test_a_shallow_clone_feeds_the_remote_too(checkout, layout, monkeypatch, tmp_path):
    commit(checkout, "two")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{checkout}", str(shallow))
    monkeypatch.setattr(gitremote, "REPOSITORY", shallow)
    head = gitremote.push(layout)
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "--quiet", f"file://{layout.git}", str(copy))
    assert git(copy, "rev-parse", "HEAD") == head


def test_a_detached_head_is_pushed(checkout, layout):
    git(checkout, "checkout", "--quiet", "--detach")
    assert gitremote.push(layout) == git(layout.git, "rev-parse", "main")
