"""What the clean-up of a node's disk removes, and what it never does."""

import importlib.util
import json
import os
import time
from types import SimpleNamespace

import pytest

from fleet.paths import REPOSITORY

_FILE = REPOSITORY / "roles" / "upkeep" / "files" / "upkeep.py"
_DAYS = 86400
_LONG_AGO = "2020-01-01T00:00:00.123456789Z"
REGISTRY = "registry:5000"


@pytest.fixture(scope="module")
def upkeep():
    spec = importlib.util.spec_from_file_location("upkeep", _FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "data").mkdir()
    return {
        "project": "fleet",
        "data_directory": str(tmp_path / "data"),
        "state_file": str(tmp_path / "state.json"),
        "caches": ["vcs-cache", "sdk-cache"],
        "registries": [REGISTRY],
        "keep_images": [f"{REGISTRY}/fleet/cpu@sha256:new"],
        "image_days": 7,
        "cache_days": 14,
        "cache_gb": 0,
        "minimum_free_percent": 0,
    }


def entry(settings, name, *, days, group="cpu_nodes", cache="vcs-cache", size=4096):
    """Something in a cache that was last used some days ago."""
    folder = f"{settings['data_directory']}/{group}/{cache}/{name}"
    os.makedirs(folder)
    with open(f"{folder}/file", "wb") as file:
        file.write(b"x" * size)
    when = time.time() - days * _DAYS
    os.utime(f"{folder}/file", (when, when))
    os.utime(folder, (when, when))
    return folder


def container(name, *, status="running", labels=None, restart="no", mounts=(), started=None):
    return {
        "Name": f"/{name}",
        "Image": f"id-of-{name}",
        "Config": {"Labels": labels},
        "HostConfig": {"RestartPolicy": {"Name": restart}},
        "State": {
            "Status": status,
            "Running": status == "running",
            "StartedAt": started or _now(),
            "FinishedAt": _LONG_AGO if status == "exited" else "0001-01-01T00:00:00Z",
        },
        "Mounts": [{"Source": source} for source in mounts],
    }


def _now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def full(monkeypatch, upkeep, until=lambda: False):
    """A disk without room until something holds."""

    def usage(_path):
        return SimpleNamespace(total=100, free=50 if until() else 1)

    monkeypatch.setattr(upkeep.shutil, "disk_usage", usage)


def prune(upkeep, settings, *containers):
    return upkeep.prune_caches(settings, containers, time.time())


def test_what_is_old_goes_and_what_is_not_stays(upkeep, settings):
    old, new = entry(settings, "old", days=20), entry(settings, "new", days=3)
    (said,) = prune(upkeep, settings)
    assert old in said
    assert (os.path.exists(old), os.path.exists(new)) == (False, True)


def test_what_is_no_cache_is_never_touched(upkeep, settings):
    kept = entry(settings, "cpu-1-0", cache=".agent", days=400)
    assert prune(upkeep, settings) == []
    assert os.path.exists(kept)


def test_a_disk_without_room_gets_it_from_the_longest_unused(upkeep, settings, monkeypatch):
    first, second = entry(settings, "first", days=5), entry(settings, "second", days=2)
    full(monkeypatch, upkeep, until=lambda: not os.path.exists(first))
    settings["minimum_free_percent"] = 15
    prune(upkeep, settings)
    assert (os.path.exists(first), os.path.exists(second)) == (False, True)


def test_caches_that_are_too_big_lose_the_longest_unused(upkeep, settings):
    first = entry(settings, "first", days=5, size=600_000)
    second = entry(settings, "second", days=2, size=600_000)
    settings["cache_gb"] = 0.001
    prune(upkeep, settings)
    assert (os.path.exists(first), os.path.exists(second)) == (False, True)


def test_what_a_task_that_runs_may_use_stays_however_full_the_disk_is(
    upkeep, settings, monkeypatch
):
    used = entry(settings, "used", days=0)
    noted_a_day_late = entry(settings, "late", days=0.9)
    other_group = entry(settings, "other", days=0, group="gpu_nodes")
    unused = entry(settings, "unused", days=5)
    full(monkeypatch, upkeep)
    settings["minimum_free_percent"] = 15
    task = container("fleet-task", mounts=[f"{settings['data_directory']}/cpu_nodes/vcs-cache"])
    prune(upkeep, settings, task)
    paths = (used, noted_a_day_late, other_group, unused)
    assert [os.path.exists(path) for path in paths] == [True, True, False, False]


def test_an_agent_that_waits_uses_nothing(upkeep, settings, monkeypatch):
    cached = entry(settings, "cached", days=0)
    full(monkeypatch, upkeep)
    settings["minimum_free_percent"] = 15
    folder = f"{settings['data_directory']}/cpu_nodes"
    agent = container("fleet-cpu-1-0", labels={"fleet.slot": "cpu-1-0"}, mounts=[folder])
    prune(upkeep, settings, agent)
    assert not os.path.exists(cached)


class Engine:
    """Stands for Docker: what it has, and what was removed of it."""

    folder = "/"

    def __init__(self, images=(), containers=()):
        self._images, self._containers = images, containers
        self.removed = []

    def images(self):
        return self._images

    def images_of_containers(self):
        return {one["Image"] for one in self._containers}

    def remove(self, kind, name):
        self.removed.append((kind, name))
        return True


def image(number, name=f"{REGISTRY}/fleet/cpu", digest="old"):
    return {
        "Id": f"id-{number}",
        "Created": f"2026-01-0{number}",
        "RepoTags": [],
        "RepoDigests": [f"{name}@sha256:{digest}"],
    }


def prune_images(upkeep, settings, engine, *, days=0):
    return upkeep.prune_images(engine, settings, time.time() + days * _DAYS)


def test_an_image_that_nothing_needs_goes_some_days_after_that_was_first_seen(upkeep, settings):
    engine = Engine([image(1)])
    assert prune_images(upkeep, settings, engine) == []
    assert prune_images(upkeep, settings, engine, days=6.9) == []
    (said,) = prune_images(upkeep, settings, engine, days=7.1)
    assert "fleet/cpu@sha256:old" in said
    assert engine.removed == [("image", f"{REGISTRY}/fleet/cpu@sha256:old")]


def test_images_that_are_needed_or_anothers_stay_however_full_the_disk_is(
    upkeep, settings, monkeypatch
):
    named = image(1, digest="new")
    runs = image(2)
    others = image(3, name="registry.example.com/db")
    nameless = image(4) | {"RepoDigests": []}
    engine = Engine([named, runs, others, nameless], [{"Image": "id-2"}])
    full(monkeypatch, upkeep)
    settings["minimum_free_percent"] = 15
    assert prune_images(upkeep, settings, engine, days=100) == []
    assert engine.removed == []


def test_a_disk_without_room_gets_it_from_young_images_too(upkeep, settings, monkeypatch):
    engine = Engine([image(1, digest="a"), image(2, digest="b")])
    full(monkeypatch, upkeep, until=lambda: engine.removed)
    settings["minimum_free_percent"] = 15
    assert len(prune_images(upkeep, settings, engine)) == 1
    assert engine.removed == [("image", f"{REGISTRY}/fleet/cpu@sha256:a")]


def test_a_clock_that_was_ahead_does_not_keep_images_for_ever(upkeep, settings):
    engine = Engine([image(1)])
    prune_images(upkeep, settings, engine, days=1000)
    prune_images(upkeep, settings, engine)
    assert prune_images(upkeep, settings, engine, days=7.1) != []


def test_only_agents_that_left_and_old_remains_of_tasks_are_removed(upkeep, settings):
    ours = {"com.docker.compose.project": "fleet", "fleet.slot": "cpu-1-0"}
    task = f"fleet-{'0' * 32}-abcdefgh"
    young = container(f"fleet-{'1' * 32}-abcdefgh", status="exited")
    young["State"]["FinishedAt"] = _now()
    engine = Engine()
    found = [
        container("left", status="exited", labels=ours),
        container("stopped-by-hand", status="exited", labels=ours, restart="unless-stopped"),
        container("runs", labels=ours),
        container(task, status="exited"),
        young,
        container("somebody-elses", status="exited"),
    ]
    upkeep.remove_containers(engine, found, settings)
    assert engine.removed == [("container", "left"), ("container", task)]


@pytest.mark.parametrize(("docker", "stays"), [("exit 1", True), (None, False)])
def test_nothing_goes_while_docker_is_away_and_what_runs_is_not_known(
    upkeep, settings, tmp_path, monkeypatch, docker, stays
):
    programs = tmp_path / "bin"
    programs.mkdir()
    if docker:
        (programs / "docker").write_text(f"#!/bin/sh\n{docker}\n")
        (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs) if docker is None else f"{programs}:/bin")
    old = entry(settings, "old", days=20)
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(settings))
    assert upkeep.main([str(file)]) == 0
    assert os.path.exists(old) is stays
