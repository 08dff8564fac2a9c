import os
import subprocess
import sys
import threading

import pytest

from fleet.errors import FleetError
from fleet.local.lock import held, locked


def test_two_at_once_are_refused_with_the_holder(tmp_path):
    path = tmp_path / "state" / "lab.lock"
    with (
        locked(path, "the fleet"),
        pytest.raises(FleetError, match="process") as caught,
        locked(path, "the fleet"),
    ):
        pass
    assert str(path) in caught.value.where


def test_the_lock_leaves_no_file_behind(tmp_path):
    path = tmp_path / "lab.lock"
    with locked(path, "the fleet"):
        assert path.exists()
    assert not path.exists()


def test_the_lock_of_a_process_that_was_killed_is_free(tmp_path):
    path = tmp_path / "lab.lock"
    code = (
        "import os, pathlib, sys; from fleet.local.lock import locked\n"
        "with locked(pathlib.Path(sys.argv[1]), 'x'): os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], timeout=30, check=False)
    assert done.returncode == -9
    assert path.exists()
    with locked(path, "the fleet"):
        pass


def test_one_waits_for_the_other_when_asked_to(tmp_path):
    path = tmp_path / "images.lock"
    inside = []

    def work():
        with locked(path, "images", wait=True):
            inside.append(1)
            assert len(inside) == 1
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    with locked(path, "images"):
        for thread in threads:
            thread.start()
        assert inside == []
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()
    assert not path.exists()


def test_whether_a_lock_is_held(tmp_path):
    path = tmp_path / "lab.lock"
    assert not held(path)
    with locked(path, "the fleet"):
        assert held(path)
    path.touch()
    assert not held(path)


def test_a_lock_that_another_user_has_is_an_error_that_says_so(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError("not yours")

    monkeypatch.setattr(os, "open", refuse)
    with (
        pytest.raises(FleetError, match="belong to another user"),
        locked(tmp_path / "lab.lock", "the fleet"),
    ):
        pass
