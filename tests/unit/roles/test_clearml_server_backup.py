"""The backup of a ClearML server. Its images are not here: a stub of docker answers for them."""

import json
import os
import subprocess
import sys

import pytest

from fleet.paths import REPOSITORY

SCRIPT = REPOSITORY / "roles" / "clearml_server" / "files" / "clearml-server-backup"
STUB = """#!{python}
# A stub of `docker compose exec SERVICE COMMAND…`: what the three databases would answer.
import json, pathlib, sys
words = sys.argv[1:]
service, command = words[words.index("--no-TTY") + 1], words[words.index("--no-TTY") + 2:]
state = pathlib.Path({state!r})
known = json.loads(state.read_text())
if service == known["broken"]:
    sys.exit("it does not answer")
if service == "mongo":
    print("an archive of", known["tasks"])
elif service == "elasticsearch":
    method, path = command[command.index("--request") + 1], command[-1].partition("/_snapshot/")[2]
    name = path.partition("/")[2].partition("?")[0]
    if method == "DELETE":
        known["snapshots"].remove(name)
    elif method == "PUT" and name:
        known["snapshots"].append(name)
        print(json.dumps({{"snapshot": {{"state": known["outcome"]}}}}))
        state.write_text(json.dumps(known))
        sys.exit()
    print(json.dumps({{"snapshots": [{{"snapshot": one}} for one in known["snapshots"]]}}))
state.write_text(json.dumps(known))
"""


class Server:
    """A server's folder, and what its databases hold."""

    def __init__(self, folder):
        self.folder, self.backups = folder / "clearml", folder / "backups"
        self.backups.mkdir()
        (self.folder / "data" / "redis").mkdir(parents=True)
        (self.folder / "data" / "redis" / "dump.rdb").write_text("REDIS")
        (self.folder / "data" / "fileserver" / "project").mkdir(parents=True)
        (self.folder / "data" / "fileserver" / "project" / "model.pkl").write_text("a model")
        (self.folder / "config").mkdir(mode=0o700)
        (self.folder / "config" / "secure.conf").write_text("a secret")
        (self.folder / "config" / "secure.conf").chmod(0o600)
        self.state = folder / "state.json"
        self.tell(tasks=1, snapshots=[], outcome="SUCCESS", broken="")
        stub = folder / "bin" / "docker"
        stub.parent.mkdir()
        stub.write_text(STUB.format(python=sys.executable, state=str(self.state)))
        stub.chmod(0o755)

    def tell(self, **what):
        known = json.loads(self.state.read_text()) if self.state.exists() else {}
        self.state.write_text(json.dumps({**known, **what}))

    @property
    def snapshots(self):
        return json.loads(self.state.read_text())["snapshots"]

    def back_up(self, keep=7):
        return subprocess.run(
            [sys.executable, SCRIPT, f"--keep={keep}", self.folder, self.backups],
            env={**os.environ, "PATH": f"{self.state.parent / 'bin'}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )

    def made(self):
        return sorted(path for path in self.backups.iterdir() if path.name != "elasticsearch")


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


def older(server, name):
    """Give the newest backup another time, so that the next one has its own."""
    server.made()[-1].rename(server.backups / name)
    server.tell(snapshots=[*server.snapshots[:-1], name])


def test_a_backup_holds_each_part_for_root_alone(server):
    done = server.back_up()

    assert done.returncode == 0, done.stderr
    (backup,) = server.made()
    assert server.snapshots == [backup.name]
    assert (backup / "mongo.archive.gz").read_text() == "an archive of 1\n"
    assert (backup / "redis.rdb").read_text() == "REDIS"
    assert (backup / "files" / "project" / "model.pkl").read_text() == "a model"
    assert (backup / "config" / "secure.conf").read_text() == "a secret"
    assert (backup / "config" / "secure.conf").stat().st_mode & 0o777 == 0o600
    assert backup.stat().st_mode & 0o777 == 0o700
    assert (backup / "mongo.archive.gz").stat().st_mode & 0o777 == 0o600


def test_files_that_did_not_change_cost_nothing_and_changed_ones_leave_the_older_backup(server):
    server.back_up()
    older(server, "20260701t000000z")
    fresh = server.folder / "data" / "fileserver" / "project" / "report.txt"
    fresh.write_text("new")
    server.back_up()
    first, second = server.made()

    def model(backup):
        return (backup / "files" / "project" / "model.pkl").stat().st_ino

    assert model(first) == model(second)
    assert not (first / "files" / "project" / "report.txt").exists()
    assert (second / "files" / "project" / "report.txt").read_text() == "new"
    older(server, "20260702t000000z")
    fresh.write_text("changed")
    server.back_up()
    kept = server.backups / "20260702t000000z" / "files" / "project" / "report.txt"
    assert kept.read_text() == "new"


def test_the_newest_are_kept_in_the_folder_and_in_elasticsearch(server):
    for day in (1, 2, 3):
        server.back_up()
        older(server, f"2026070{day}t000000z")
    done = server.back_up(keep=2)

    names = [path.name for path in server.made()]
    assert done.returncode == 0, done.stderr
    assert names[0] == "20260703t000000z"
    assert len(names) == 2
    assert server.snapshots == names


@pytest.mark.parametrize("broken", ["mongo", "redis", "elasticsearch"])
def test_a_database_that_does_not_answer_is_told_and_nothing_is_removed(server, broken):
    server.back_up()
    older(server, "20260701t000000z")
    server.tell(broken=broken)
    done = server.back_up(keep=1)

    assert done.returncode == 1
    assert f"error: the ClearML server was not backed up: {broken}" in done.stderr
    assert "it does not answer" in done.stderr
    assert [path.name for path in server.made()] == ["20260701t000000z"]


def test_a_partial_snapshot_is_no_backup(server):
    server.tell(outcome="PARTIAL")
    done = server.back_up()

    assert done.returncode == 1
    assert "the snapshot of Elasticsearch is PARTIAL" in done.stderr
    assert server.made() == []


def test_a_database_that_gives_nothing_is_no_backup(server):
    (server.folder / "data" / "redis" / "dump.rdb").write_text("")
    done = server.back_up()

    assert done.returncode == 1
    assert "redis.rdb is empty" in done.stderr
