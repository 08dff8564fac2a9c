"""The git remote of a local fleet: it serves this checkout's commits, as agents clone them."""

from __future__ import annotations

import socket
import time

from fleet.command import run
from fleet.errors import FleetError
from fleet.local import engine
from fleet.local.layout import GIT, Layout
from fleet.paths import REPOSITORY

BRANCH = "main"
_PORT = 9418
_READY_SECONDS = 15


def ensure(layout: Layout, image: str, address: str) -> str:
    """Have the remote run, with the commits of HEAD in it; what was done.

    Parameters
    ----------
    layout : Layout
        The fleet.
    image : str
        Id of the services image.
    address : str
        Its address in the fleet's network.
    """
    push(layout)
    done = engine.ensure_running(describe(layout, image, address), layout)
    deadline = time.monotonic() + _READY_SECONDS
    while not answers(address):
        if time.monotonic() > deadline:
            raise FleetError(
                f"the git remote does not answer after {_READY_SECONDS} s",
                where=url(address),
                mend="see `docker logs` of its container, then try again",
            )
        time.sleep(0.1)
    return done


def describe(layout: Layout, image: str, address: str) -> engine.Container:
    """The remote's container; it reads the bare repository and cannot write it."""
    return engine.Container(
        what=GIT,
        role=GIT,
        image=image,
        options=(
            f"--network={layout.network}",
            f"--ip={address}",
            "--restart=unless-stopped",
            "--stop-timeout=1",
            "--log-opt=max-size=1m",
            f"--volume={layout.git.parent}:/srv/git:ro",
        ),
        command=("git",),
    )


def push_commits(name: str) -> str:
    """Bring the commits of HEAD to the git remote of the fleet of this name; the commit."""
    return push(Layout(name))


def push(layout: Layout) -> str:
    """Bring the commits of HEAD to the remote; the commit that its branch has now.

    A commit that was published before stays reachable, so that templates pinned to it still run
    after history was rewritten.
    """
    bare = str(layout.git)
    if not (layout.git / "HEAD").exists():
        layout.git.parent.mkdir(parents=True, exist_ok=True)
        run(["git", "init", "--quiet", "--bare", f"--initial-branch={BRANCH}", bare])
        # A shallow clone of this repository may feed it, too.
        run(["git", "-C", bare, "config", "receive.shallowUpdate", "true"])
    head = _git("rev-parse", "HEAD")
    before = run(["git", "-C", bare, "rev-parse", "--verify", "-q", BRANCH], check=False)
    old = before.stdout.strip()
    if old and old != head and not _is_ancestor(old, head):
        run(["git", "-C", bare, "update-ref", f"refs/heads/kept-{old[:12]}", old])
    _git("push", "--quiet", "--force", bare, f"HEAD:refs/heads/{BRANCH}", timeout=300)
    return head


def url(address: str) -> str:
    """What agents clone."""
    return f"git://{address}/fleet.git"


def answers(address: str) -> bool:
    """Whether something listens there."""
    try:
        socket.create_connection((address, _PORT), timeout=3).close()
    except OSError:
        return False
    return True


def _is_ancestor(old: str, new: str) -> bool:
    arguments = ["git", "-C", str(REPOSITORY), "merge-base", "--is-ancestor", old, new]
    return run(arguments, check=False).returncode == 0


def _git(*arguments: str, timeout: float = 60) -> str:
    return run(["git", "-C", str(REPOSITORY), *arguments], timeout=timeout).stdout.strip()
