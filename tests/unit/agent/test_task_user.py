import os

import pytest
from fleet_agent.task_user import TaskUser


@pytest.fixture
def shared(tmp_path):
    """A configuration and a cache, closed to all but their owner; and a folder beside them."""
    for name in ("cache", "beside"):
        (tmp_path / name).mkdir(mode=0o700)
    (tmp_path / "conf").touch(0o600)
    return tmp_path


def modes(folder):
    return {path.name: oct(path.stat().st_mode & 0o7777) for path in folder.iterdir()}


COMMAND = [
    "docker", "run", "-v", "/host/conf:/tmp/clearml.conf", "-v", "/host/cache:/opt/cache",
    "-v", "/elsewhere:/elsewhere", "--volume=/host/beside:/opt/beside", "-e", "A=/host/beside",
    "image", "bash",
]  # fmt: skip


def test_the_users_group_has_what_is_mounted_of_the_agents_folder_and_no_more(shared):
    # A group that this process is in: to have any other, it would need to be root.
    TaskUser(f"4242:{os.getgid()}", f"/host:{shared}").share(COMMAND)
    assert modes(shared) == {"conf": "0o640", "cache": "0o2770", "beside": "0o700"}
    assert (shared / "conf").stat().st_gid == os.getgid()


def test_without_a_user_all_stays_closed(shared):
    TaskUser("", f"/host:{shared}").share(COMMAND)
    assert modes(shared) == {"conf": "0o600", "cache": "0o700", "beside": "0o700"}
