"""The step code from the node's cache, without asking the repository for what is there already.

The agent itself fetches all branches and tags for each task and copies the whole clone. A commit
that the cache has needs neither: it never changes. Then only its files are written, and the
history stays where it is.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from clearml_agent._vendor import attr
from clearml_agent._vendor.furl import furl
from clearml_agent.helper.hash import md5
from clearml_agent.helper.os.locks import FileLock, exceptions
from clearml_agent.helper.repo import VcsFactory

COMMIT = re.compile(r"[0-9a-f]{40}")
LOCK_SECONDS = 60  # another task's first clone; then the agent waits as long again
# What a copy of a clone needs not: it gets its own.
_NOT_COPIED = ("objects", "index", "index.lock", "lfs", "worktrees")


def from_cache(session: Any, execution: Any, destination: Path) -> tuple[Any, Any] | None:
    """Check a commit out that the cache has.

    Parameters
    ----------
    session : clearml_agent.session.Session
    execution : clearml_agent.helper.base.ExecutionInfo
        Names the repository and the commit.
    destination : Path
        The folder that gets a folder with the repository's name.

    Returns
    -------
    tuple or None
        The agent's own `VCS` and `RepoInfo`. None when the agent must do it: without a cache or
        a whole commit's name, with submodules, or with a commit that the cache lacks.
    """
    url, commit = execution.repository, execution.version_num or ""
    if not (session.config.get("agent.vcs_cache.enabled", False) and COMMIT.fullmatch(commit)):
        return None
    caches = Path(session.config["agent.vcs_cache.path"]).expanduser()
    digest = md5(url.encode()).hexdigest()
    name = Path(str(furl(url).path)).name
    cache, clone = caches / f"{name}.{digest}" / name, destination / name
    if not (cache / ".git" / "objects").is_dir():
        return None
    lock = FileLock(filename=str(caches / f"{digest}.lock"))
    try:
        lock.acquire(timeout=LOCK_SECONDS)
        vcs = VcsFactory.create(session, execution_info=execution, location=str(cache))
        if not _has(cache, commit):
            return None
        print(f'Using cached repository in "{cache}", which has commit {commit}')
        shutil.rmtree(destination, ignore_errors=True)
        _share(cache, clone)
        vcs.location = str(clone)
        vcs.call("checkout", "--quiet", "--force", "--detach", commit, cwd=str(clone))
    except (OSError, exceptions.LockException, subprocess.CalledProcessError) as error:
        print(f"The cache cannot be used as it is, the repository is asked: {error}")
        return None
    finally:
        lock.release()
    found = vcs.get_repository_copy_info(str(clone))
    return vcs, attr.evolve(found, url=furl(url).remove(password=True).url)


def _has(cache: Path, commit: str) -> bool:
    """Whether the cache has the commit, and needs no other repository for it."""
    wanted = f"{commit}^{{commit}}\n{commit}:.gitmodules\n"
    answer = subprocess.run(
        ["git", "-C", str(cache), "cat-file", "--batch-check"],
        input=wanted,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = answer.stdout.splitlines()
    return len(lines) == 2 and lines[0].split()[1:2] == ["commit"] and lines[1].endswith("missing")


def _share(cache: Path, clone: Path) -> None:
    """A clone with the cache's settings, branches and tags, and its objects by reference."""
    shutil.copytree(
        cache / ".git", clone / ".git", symlinks=True, ignore=shutil.ignore_patterns(*_NOT_COPIED)
    )
    objects = clone / ".git" / "objects"
    (objects / "info").mkdir(parents=True)
    (objects / "info" / "alternates").write_text(f"{cache}/.git/objects\n")
