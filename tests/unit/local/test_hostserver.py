import os
import subprocess
import sys

import pytest

from fleet.errors import FleetError
from fleet.local import hostserver


@pytest.fixture
def program(monkeypatch, tmp_path):
    """A program in the server's place."""
    path = tmp_path / "fleet"

    def make(code):
        path.write_text(f"#!{sys.executable}\n{code}\n")
        path.chmod(0o755)

    monkeypatch.setattr(hostserver, "own_program", lambda name: str(path))
    return make


def test_a_server_that_answers_is_started_once_and_stopped(program, layout, monkeypatch):
    program("import time; time.sleep(60)")
    monkeypatch.setattr(hostserver, "answers", lambda gateway: True)
    assert hostserver.ensure(layout, "127.0.0.1") == "started"
    process = hostserver.running(layout)
    assert hostserver.ensure(layout, "127.0.0.1") == "kept"
    assert hostserver.running(layout) == process
    assert hostserver.stop(layout)
    assert hostserver.running(layout) is None
    assert not hostserver.stop(layout)


def test_a_server_of_older_code_is_restarted(program, layout, monkeypatch):
    program("import time; time.sleep(60)")
    monkeypatch.setattr(hostserver, "answers", lambda gateway: True)
    hostserver.ensure(layout, "127.0.0.1")
    before = hostserver.running(layout)
    monkeypatch.setattr(hostserver, "_code", lambda: "other")
    try:
        assert hostserver.ensure(layout, "127.0.0.1") == "restarted with new code"
        assert hostserver.running(layout) not in (None, before)
        assert hostserver.ensure(layout, "127.0.0.1") == "kept"
    finally:
        hostserver.stop(layout)


def test_a_server_that_ends_at_its_start_shows_its_log(program, layout):
    program("raise SystemExit('the database is newer than this code')")
    with pytest.raises(FleetError, match="ended at its start") as caught:
        hostserver.ensure(layout, "127.0.0.1")
    assert "the database is newer than this code" in caught.value.where


def test_another_process_with_the_old_id_is_not_the_server(layout):
    layout.state.mkdir(parents=True)
    (layout.state / "server.pid").write_text(str(os.getpid()))
    assert hostserver.running(layout) is None


def test_no_process_with_the_old_id(layout):
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    layout.state.mkdir(parents=True)
    (layout.state / "server.pid").write_text(done.stdout)
    assert hostserver.running(layout) is None


def test_the_server_holds_no_secret_in_its_arguments(program, layout, monkeypatch):
    program("import time; time.sleep(60)")
    monkeypatch.setattr(hostserver, "answers", lambda gateway: True)
    hostserver.ensure(layout, "127.0.0.1")
    try:
        process = hostserver.running(layout)
        with open(f"/proc/{process}/cmdline") as stream:
            words = stream.read().split("\0")[2:-1]
        assert words == [
            "server", "--data", str(layout.server), "--host", "127.0.0.1",
            "--port", "8008", "--files-port", "8081",
        ]  # fmt: skip
    finally:
        hostserver.stop(layout)


def test_an_interrupt_just_after_the_start_leaves_no_unknown_server(program, layout, monkeypatch):
    program("import time; time.sleep(60)")
    popen = subprocess.Popen

    def interrupt(*arguments):
        raise KeyboardInterrupt

    def start(*arguments, **options):
        process = popen(*arguments, **options)
        monkeypatch.setattr(hostserver, "_code", interrupt)
        monkeypatch.setattr(hostserver, "running", interrupt)
        return process

    with monkeypatch.context() as patch:
        patch.setattr(hostserver.subprocess, "Popen", start)
        with pytest.raises(KeyboardInterrupt):
            hostserver._start(layout, "127.0.0.1")
    process = int((layout.state / "server.pid").read_text())
    os.kill(process, 15)


def test_the_server_of_another_user_is_an_error_that_says_so(layout, monkeypatch):
    def refuse(*_):
        raise PermissionError("not yours")

    monkeypatch.setattr(hostserver.Path, "read_text", refuse)
    with pytest.raises(FleetError, match="belong to another user"):
        hostserver.running(layout)
