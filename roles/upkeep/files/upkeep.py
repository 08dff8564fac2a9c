#!/usr/bin/python3
"""Keep a node's disk from filling: old images, caches and exited containers go.

By age: what nobody has used for some days. By size: when the disk has less room than it should, or
the caches are bigger than they may be, the longest unused goes first. What runs, what the plan of
the node names, and what a task that runs has used, stays whatever the disk says.

usage: upkeep.py CONFIGURATION   (a JSON file that Ansible writes)
"""

import calendar
import json
import os
import re
import shutil
import subprocess
import sys
import time

DAY = 86400
# A file system need not note each time that a file is read, but does once a day.
_NOTED = DAY
_DOCKER_SECONDS = 300
# fleet-TASK-RANDOM, as the agents' docker_container_name_format says.
_TASK_CONTAINER = re.compile(r"/fleet-[0-9a-f]{32}-\w+")


def main(arguments):
    """Do it once, and say what went."""
    with open(arguments[0], encoding="utf-8") as file:
        settings = json.load(file)
    said = []
    engine = Engine()
    # Containers live through a restart of Docker: what they use is not known then.
    if not engine.answers:
        print("Docker does not answer: nothing is removed", flush=True)
        return 0
    containers = engine.containers()
    said += remove_containers(engine, containers, settings)
    said += prune_caches(settings, containers, time.time())
    said += prune_images(engine, settings, time.time())
    print("\n".join(said) or "nothing to do", flush=True)
    return 0


def remove_containers(engine, containers, settings):
    """Remove agents that have left, and what tasks left of themselves some time ago."""
    said = []
    for container in containers:
        state = container["State"]
        if state["Status"] not in ("exited", "dead"):
            continue
        if not (
            _has_left(container, settings["project"])
            or (_TASK_CONTAINER.fullmatch(container["Name"]) and _ended(state, DAY))
        ):
            continue
        name = container["Name"].lstrip("/")
        if engine.remove("container", name):
            said.append(f"removed the exited container {name}")
    return said


def prune_caches(settings, containers, now):
    """Remove entries of the caches that are old, or whose room is needed."""
    data = settings["data_directory"]
    if not os.path.isdir(data):
        return []
    entries = sorted(find_entries(settings, containers), key=lambda entry: entry["used"])
    size = sum(entry["size"] for entry in entries)
    most, said = settings["cache_gb"] * 1e9, []
    for entry in entries:
        old = now - entry["used"] > settings["cache_days"] * DAY
        big = 0 < most < size
        if entry["in_use"] or not (old or big or lacks_room(data, settings)):
            continue
        _remove_tree(entry["path"])
        size -= entry["size"]
        said.append(f"removed {entry['path']} ({_megabytes(entry['size'])})")
    return said


def find_entries(settings, containers):
    """What is in the caches of all node groups, and whether a task that runs may use it.

    Returns
    -------
    list of dict
        `path`, `size` in bytes, `used`, when it was last used, in seconds since the epoch, and
        `in_use`.
    """
    found = []
    data = settings["data_directory"]
    for group in sorted(_folders(data)):
        since = _busy_since(os.path.join(data, group), containers)
        for cache in settings["caches"]:
            folder = os.path.join(data, group, cache)
            for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
                path = os.path.join(folder, name)
                size, used = _measure(path)
                in_use = since is not None and used >= since - _NOTED
                found.append({"path": path, "size": size, "used": used, "in_use": in_use})
    return found


def prune_images(engine, settings, now):
    """Remove images of the fleet that nothing uses and the plan does not name.

    An image has no time of its last use: it is noted when it was first seen to be needed no more.
    """
    needed = engine.images_of_containers()
    unneeded = {
        image["Id"]: image
        for image in engine.images()
        if image["Id"] not in needed
        and _is_the_fleets(image, settings["registries"])
        and not _is_named(image, settings["keep_images"])
    }
    since = {
        image: min(when, now)
        for image, when in _read_state(settings["state_file"]).items()
        if image in unneeded
    }
    since |= {image: now for image in unneeded if image not in since}
    said, folder = [], engine.folder
    for image in sorted(unneeded, key=lambda one: (since[one], unneeded[one]["Created"])):
        old = now - since[image] >= settings["image_days"] * DAY
        if not (old or lacks_room(folder, settings)):
            continue
        # Without force: one that a container has come to use meanwhile stays.
        names = _names(unneeded[image])
        gone = [engine.remove("image", name) for name in names or [image]]
        if all(gone):
            del since[image]
            said.append(f"removed the image {names[0] if names else image}")
    _write_state(settings["state_file"], since)
    return said


def lacks_room(path, settings):
    """Whether the disk of a folder has less room than it should."""
    usage = shutil.disk_usage(path)
    return usage.free < usage.total * settings["minimum_free_percent"] / 100


class Engine:
    """What Docker's client says; nothing on a node that has no Docker."""

    @property
    def answers(self):
        """Whether what is missing here is not there: no Docker at all has no containers."""
        return shutil.which("docker") is None or bool(_docker("version", "-f", "{{.Server.Os}}"))

    @property
    def folder(self):
        """Where the images are."""
        said = _docker("info", "--format", "{{.DockerRootDir}}").strip()
        return said if os.path.isdir(said) else "/"

    def containers(self):
        """All of them, inspected."""
        ids = _docker("ps", "--all", "--quiet", "--no-trunc").split()
        return _inspected("container", ids)

    def images_of_containers(self):
        """Ids of images that a container has, whatever its state."""
        return {container["Image"] for container in self.containers()}

    def images(self):
        """All of them, inspected."""
        ids = dict.fromkeys(_docker("images", "--quiet", "--no-trunc").split())
        return _inspected("image", list(ids))

    def remove(self, kind, name):
        """Remove a container or an image; whether it is gone."""
        command = ("rm", "--volumes") if kind == "container" else ("rmi",)
        done = _run(*command, name)
        # With its last tag, an image loses its digests of the same repository, too.
        return done.returncode == 0 or "no such" in done.stderr.lower()


def _has_left(container, project):
    """Whether it is an agent that nothing starts again."""
    labels = container["Config"].get("Labels") or {}
    restart = container["HostConfig"]["RestartPolicy"]["Name"]
    return (
        labels.get("com.docker.compose.project") == project
        and "fleet.slot" in labels
        and restart in ("", "no")
    )


def _ended(state, seconds):
    finished = _epoch(state.get("FinishedAt", ""))
    return finished is not None and time.time() - finished > seconds


def _busy_since(folder, containers):
    """When the first of the containers began that run and see a folder; None without one.

    Agents see it all the time and use nothing of it while they have no task.
    """
    begun = [
        _epoch(container["State"]["StartedAt"])
        for container in containers
        if container["State"]["Running"]
        and "fleet.slot" not in (container["Config"].get("Labels") or {})
        and any(_is_in(mount.get("Source", ""), folder) for mount in container.get("Mounts") or ())
    ]
    return min((when for when in begun if when is not None), default=None)


def _is_in(path, folder):
    return path == folder or path.startswith(f"{folder}/")


def _is_the_fleets(image, registries):
    """Whether each name of an image is one of the fleet's registries'; without a name, no."""
    names = _names(image)
    return bool(names) and all(
        any(name.startswith(f"{registry}/") for registry in registries) for name in names
    )


def _names(image):
    return [*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ())]


def _is_named(image, references):
    """Whether the plan names an image, by its digest, its id or one of its names."""
    own = {image["Id"], *(image.get("RepoTags") or ())}
    own |= {name.partition("@")[2] for name in image.get("RepoDigests") or ()}
    return any(
        reference in own or (reference.partition("@")[2] or None) in own for reference in references
    )


def _inspected(kind, ids):
    if not ids:
        return []
    done = _run(kind, "inspect", *ids)
    # One that has gone meanwhile makes it fail, and the others are there all the same.
    return json.loads(done.stdout or "[]")


def _docker(*command):
    return _run(*command).stdout


def _run(*command):
    try:
        return subprocess.run(
            ["docker", *command],
            capture_output=True,
            text=True,
            timeout=_DOCKER_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, "", "no Docker")


def _folders(path):
    return [entry.name for entry in os.scandir(path) if entry.is_dir(follow_symlinks=False)]


def _measure(path):
    """Bytes, and the last time that one of its files was read or written."""
    found = os.lstat(path)
    size, used = found.st_blocks * 512, found.st_mtime
    for folder, _, files in os.walk(path):
        for name in files:
            try:
                one = os.lstat(os.path.join(folder, name))
            except FileNotFoundError:
                continue
            size += one.st_blocks * 512
            used = max(used, one.st_mtime, one.st_atime)
    if not os.path.isdir(path):
        used = max(used, found.st_atime)
    return size, used


def _remove_tree(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        os.unlink(path)


def _read_state(path):
    try:
        with open(path, encoding="utf-8") as file:
            return {str(image): float(when) for image, when in json.load(file).items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _write_state(path, since):
    draft = f"{path}.new"
    try:
        with open(draft, "w", encoding="utf-8") as file:
            json.dump(since, file)
        os.replace(draft, path)
    except OSError as error:
        # A disk that is full all the same: the next run counts anew.
        print(f"{path}: {error.strerror}", file=sys.stderr)


def _epoch(text):
    """Docker's time as seconds since the epoch; None for what is none, or `0001-01-01…`."""
    match = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", text or "")
    if match is None or text.startswith("0001-"):
        return None
    return calendar.timegm(time.strptime(match[1], "%Y-%m-%dT%H:%M:%S"))


def _megabytes(size):
    return f"{size / 1e6:.0f} MB"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
