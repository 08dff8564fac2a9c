import os
import shutil
import signal
import subprocess

import pytest

from fleet.errors import FleetError
from fleet.local import daemon, engine


@pytest.fixture
def dockerd(tmp_path):
    """A process whose name is that of the engine, and which ends when told to."""
    program = tmp_path / "dockerd"
    shutil.copy(shutil.which("sleep"), program)
    process = subprocess.Popen([str(program), "60"])
    yield process
    process.kill()
    process.wait()


def test_an_engine_that_we_started_is_stopped(dockerd, layout, fake_engine):
    daemon.remember(layout, "dockerd", dockerd.pid)
    assert "dockerd" in daemon.stop(layout)
    assert dockerd.wait(timeout=10) == -signal.SIGTERM
    assert not layout.engine.exists()


def test_an_engine_with_other_containers_keeps_running(dockerd, layout, fake_engine):
    daemon.remember(layout, "dockerd", dockerd.pid)
    fake_engine.answers["ps", "--all"] = "abc\n"
    assert "keeps running" in daemon.stop(layout)
    assert dockerd.poll() is None


def test_an_engine_that_somebody_else_started_is_left_alone(layout, fake_engine):
    assert daemon.stop(layout) == ""
    assert fake_engine.commands == []


def test_a_process_that_took_over_the_id_is_left_alone(layout, fake_engine):
    daemon.remember(layout, "dockerd", os.getpid())
    assert daemon.started_by_us(layout) is None
    assert daemon.stop(layout) == ""


def test_what_was_started_before_a_reboot_is_not_ours(dockerd, layout, monkeypatch):
    daemon.remember(layout, "dockerd", dockerd.pid)
    monkeypatch.setattr(daemon, "_boot", lambda: "another")
    assert daemon.started_by_us(layout) is None


def test_missing_packages_are_named_once(monkeypatch):
    monkeypatch.setattr(daemon, "find", lambda program: None)
    assert daemon.missing_packages(engine_answers=False) == [
        "docker.io", "git", "iptables", "openssh-client",
    ]  # fmt: skip


def test_an_engine_that_answers_needs_no_daemon_here(monkeypatch):
    monkeypatch.setattr(daemon, "find", lambda name: None if name == "dockerd" else f"/bin/{name}")
    assert daemon.missing_packages(engine_answers=True) == []


def test_an_engine_that_ends_at_once_shows_its_log(monkeypatch, layout, tmp_path):
    program = tmp_path / "dockerd"
    program.write_text("#!/bin/sh\necho 'no space left on device' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(daemon, "find", lambda name: str(program) if name == "dockerd" else None)
    monkeypatch.setattr(daemon, "_systemd", lambda layout: None)
    monkeypatch.setattr(engine, "info", lambda: None)
    with pytest.raises(FleetError, match="does not start") as caught:
        daemon.start(layout, lambda line: None)
    assert "no space left on device" in caught.value.where
    assert daemon.started_by_us(layout) is None


def test_an_engine_that_never_answers_is_ended(monkeypatch, layout, dockerd):
    monkeypatch.setattr(daemon, "_systemd", lambda layout: None)
    monkeypatch.setattr(daemon, "_service", lambda layout: None)
    monkeypatch.setattr(daemon, "_dockerd", lambda layout: dockerd.pid)
    monkeypatch.setattr(daemon, "_READY_SECONDS", 0.1)
    monkeypatch.setattr(engine, "info", lambda: None)
    with pytest.raises(FleetError, match="does not start"):
        daemon.start(layout, lambda line: None)
    assert dockerd.wait(timeout=10) == -signal.SIGTERM
    assert daemon.started_by_us(layout) is None


def test_an_engine_whose_start_was_interrupted_is_stopped(
    monkeypatch, layout, dockerd, fake_engine, tmp_path
):
    def interrupted(layout):
        raise KeyboardInterrupt

    monkeypatch.setattr(daemon, "_systemd", interrupted)
    with pytest.raises(KeyboardInterrupt):
        daemon.start(layout, lambda line: None)
    monkeypatch.setattr(daemon, "_SYSTEMD", tmp_path / "absent")
    monkeypatch.setattr(daemon, "_PROCESS_FILE", tmp_path / "docker.pid")
    daemon._PROCESS_FILE.write_text(str(dockerd.pid))
    assert "stopped" in daemon.stop(layout)
    assert dockerd.wait(timeout=10) == -signal.SIGTERM
    assert not layout.engine.exists()


def test_apt_waits_for_whoever_installs_just_now(monkeypatch):
    commands = []
    monkeypatch.setattr(daemon, "run", lambda command, **_: commands.append(command))
    daemon.install(["git"], lambda line: None)
    assert [command[1] for command in commands] == ["update", "install"]
    assert all("DPkg::Lock::Timeout=300" in command for command in commands)


@pytest.mark.parametrize(("status", "expected"), [(0, True), (100, False)])
def test_the_build_plugin_comes_with_docker_where_debian_has_it(monkeypatch, status, expected):
    commands = []

    def run(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess(command, status)

    monkeypatch.setattr(daemon, "run", run)
    daemon.install(["docker.io"], lambda line: None)
    assert ("docker-buildx" in commands[-1]) == expected
