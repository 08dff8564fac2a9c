import time
from pathlib import Path

import pytest

from fleet.errors import FleetError
from fleet.local import playbook
from fleet.local.playbook import Reader, run_playbook

OUTPUT = """\
PLAY [Nodes] *******************************************************************

TASK [docker : Validating arguments against arg spec 'main' - Install Docker] **
ok: [cpu-1]

TASK [docker : Ensure Docker is installed] *************************************
changed: [cpu-1]
fatal: [gpu-1]: FAILED! => {"changed": false, "msg": "No package matching 'docker.io'"}

TASK [agent : Ensure agents run] ***********************************************
failed: [cpu-1] (item=a) => {"cmd": "x", "msg": "non-zero return code", "stderr": "no such image"}

PLAY RECAP *********************************************************************
cpu-1                      : ok=4    changed=3    unreachable=0    failed=1    skipped=0
gpu-1                      : ok=2    changed=1    unreachable=0    failed=1    skipped=0
"""


def test_progress_is_the_names_of_plays_and_tasks():
    said = []
    Reader(said.append).read(OUTPUT.splitlines())
    assert said == [
        "Nodes",
        "docker : Ensure Docker is installed",
        "agent : Ensure agents run",
    ]


def test_failures_name_host_task_and_message():
    reader = Reader(lambda line: None)
    reader.read(OUTPUT.splitlines())
    assert reader.failures == [
        "gpu-1: docker : Ensure Docker is installed: No package matching 'docker.io'",
        "cpu-1: agent : Ensure agents run: non-zero return code: no such image",
    ]
    assert reader.changed == 4


def test_an_error_before_any_task_is_kept():
    reader = Reader(lambda line: None)
    reader.read(["[ERROR]: the role 'docker' was not found"])
    assert reader.errors == ["the role 'docker' was not found"]


@pytest.fixture
def fake_ansible(monkeypatch, tmp_path):
    program = tmp_path / "ansible-playbook"

    def make(output, status):
        (tmp_path / "output").write_text(output)
        program.write_text(f"#!/bin/sh\ncat {tmp_path}/output\nexit {status}\n")
        program.chmod(0o755)

    monkeypatch.setattr(playbook, "own_program", lambda name: str(program))
    return make


def test_a_playbook_that_succeeds_says_how_much_it_changed(fake_ansible, layout, tmp_path):
    fake_ansible("cpu-1 : ok=4    changed=3    unreachable=0\n", 0)
    changed, log = run_playbook(layout, tmp_path, "site.yml", lambda line: None)
    assert changed == 3
    assert "changed=3" in log.read_text()


def test_a_playbook_that_fails_shows_why_and_where_the_rest_is(fake_ansible, layout, tmp_path):
    fake_ansible(OUTPUT, 2)
    with pytest.raises(FleetError, match=r"site\.yml failed \(2\)") as caught:
        run_playbook(layout, tmp_path, "site.yml", lambda line: None)
    assert "No package matching 'docker.io'" in caught.value.where
    assert str(layout.logs) in caught.value.where


def test_the_playbook_is_told_which_fleet(layout):
    assert playbook.environment(layout.name)["FLEET_LOCAL_NAME"] == "lab"


def test_an_interrupt_ends_the_playbook_and_its_workers(
    layout, tmp_path, monkeypatch, fake_ansible
):
    fake_ansible("", 0)
    program = tmp_path / "ansible-playbook"
    program.write_text('#!/bin/sh\nsleep 60 &\necho "TASK [worker $!] **"\nwait\n')
    workers = []

    def interrupt(line):
        if line.startswith("worker"):
            workers.append(int(line.split()[1]))
            raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_playbook(layout, tmp_path, "site.yml", interrupt)
    assert time.monotonic() - started < 10
    (worker,) = workers
    # A process that was killed is gone once the system comes to it.
    while not over(worker):
        assert time.monotonic() - started < 30
        time.sleep(0.02)


def over(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True
