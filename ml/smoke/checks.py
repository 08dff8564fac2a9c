"""The checks of a smoke task: each says what it found, or raises what is wrong."""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml.runtime import environment
from ml.runtime.errors import UserError
from ml.runtime.parameters import json_object
from ml.smoke.object_stores import read_bucket
from ml.smoke.parameters import ExpectedFields

#: What the agent tells a container of its image: the very word that it gave to Docker.
IMAGE_VARIABLE = "CLEARML_DOCKER_IMAGE"
WRITABLE = "write"
_REPOSITORY = Path(__file__).parents[2]
_MOUNTS = Path("/proc/self/mountinfo")
_GIT_SECONDS = 20


@dataclass(frozen=True)
class Result:
    """What one check came to.

    Attributes
    ----------
    name : str
        What was looked at.
    ok : bool
    found : str
        What is there; or what is wrong, where, and what to do about it.
    """

    name: str
    ok: bool
    found: str


def check_all(expected: ExpectedFields, surroundings: Mapping[str, str]) -> Iterator[Result]:
    """Each check in turn: one that fails does not keep the others from being made.

    Parameters
    ----------
    expected : ExpectedFields
        What the plan says of the slot.
    surroundings : mapping of str to str
        The environment variables.
    """
    yield _result("image", lambda: image(expected.image, surroundings))
    yield _result("python", python)
    yield _result("clone", lambda: clone(expected.commit))
    for target, access in json_object(expected.mounts).items():
        yield _result(f"mount {target}", lambda t=target, a=access: mount(t, a == WRITABLE))
    for url, region in json_object(expected.object_stores).items():
        yield _result(f"object store {url}", lambda u=url, r=region: read_bucket(u, r))
    if expected.gpus:
        yield _result("gpu", lambda: gpus(expected.gpus))


def report(results: Sequence[Result]) -> str:
    """The checks, one a line, with what is wrong and what to do about it below each that failed."""
    width = max((len(result.name) for result in results), default=0)
    lines = []
    for result in results:
        first, *more = result.found.splitlines()
        lines.append(f"{'ok  ' if result.ok else 'FAIL'}  {result.name:{width}}  {first}")
        lines += [f"      {'':{width}}  {line}" for line in more]
    return "\n".join(lines)


def image(expected: str, surroundings: Mapping[str, str]) -> str:
    """The image that the agent had Docker start is the one that the slot is declared with.

    Docker starts nothing else under a digest than what has it.
    """
    given = surroundings.get(IMAGE_VARIABLE, "")
    if _digest(given) != _digest(expected) or not given:
        raise UserError(
            f"the agent starts tasks from {given or 'an image that it does not name'}, "
            f"not from {expected}",
            where="the slot's agent",
            mend="run site.yml for the node: it replaces an agent that is not as declared",
        )
    return given


def python() -> str:
    """The interpreter is the image's, and each package of the commit's lock is there."""
    packages = environment.installed()
    missing = [name for name in environment.locked() if name not in packages]
    if missing:
        raise UserError(
            f"{len(missing)} packages of the step code's lock are not in the image: "
            f"{', '.join(missing[:8])}",
            where=sys.executable,
            mend="build and push the images of this commit: ansible-playbook images.yml, then "
            "site.yml",
            failure_class="dependency",
        )
    return f"Python {platform.python_version()} at {sys.executable}, {len(packages)} packages"


def clone(commit: str, folder: Path = _REPOSITORY) -> str:
    """The step code that runs is the commit, with nothing changed."""
    head = _git(folder, "rev-parse", "HEAD")
    if head != commit:
        raise UserError(
            f"the step code is at commit {head[:12]}, not {commit[:12]}",
            where=str(folder),
            mend="look at the task's log for what the agent cloned, and at the node's cache of "
            "clones",
            failure_class="code",
        )
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    if changed:
        raise UserError(
            f"the step code differs from its commit: {changed.splitlines()[0].strip()}",
            where=str(folder),
            mend="remove the node's cache of clones (vcs-cache of the agents' data)",
            failure_class="code",
        )
    return f"commit {head[:12]} in {folder}"


def mount(target: str, writable: bool, mounts: Path = _MOUNTS) -> str:
    """A declared folder of the node is there, can be read, and written where that is declared."""
    where = f"data.mounts in queues.yml, target {target}"
    options = _mount_options(target, mounts)
    if options is None:
        raise UserError(
            f"the folder {target} is not mounted",
            where=where,
            mend="run site.yml for the node: its agent does not give tasks this folder yet",
            failure_class="data-access",
        )
    try:
        entries = len(os.listdir(target))
    except OSError as error:
        raise UserError(
            f"the folder {target} cannot be read: {error.strerror}",
            where=where,
            mend="let the user that tasks run as read the folder on the node",
            failure_class="permission",
        ) from None
    if writable:
        _write(target, where)
    elif "ro" not in options:
        raise UserError(
            f"tasks can write to the folder {target}, which is declared for reading",
            where=where,
            mend="run site.yml for the node, or declare the mount as writable",
            failure_class="permission",
        )
    return f"{entries} entries, {'can be written' if writable else 'for reading'}"


def gpus(expected: int, load: Callable[[str], ctypes.CDLL] = ctypes.CDLL) -> str:
    """The driver shows the container as many GPUs or MIG instances as the slot owns.

    Parameters
    ----------
    expected : int
    load : callable
        Opens a library; the driver's own is what tells.
    """
    mend = "check the driver (nvidia-smi) and the NVIDIA Container Toolkit on the node; site.yml "
    mend += "installs the toolkit"
    where = "libcuda.so.1 in the task's container"
    try:
        driver = load("libcuda.so.1")
    except OSError as error:
        raise UserError(
            f"no GPU is visible: {error}", where=where, mend=mend, failure_class="resource"
        ) from None
    count = ctypes.c_int(0)
    code = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if code or count.value != expected:
        seen = f"error {code} of the driver" if code else f"{count.value} visible"
        raise UserError(
            f"the slot owns {expected} GPU{'' if expected == 1 else 's'}, and there is: {seen}",
            where=where,
            mend=mend,
            failure_class="resource",
        )
    return f"{count.value} visible"


def _result(name: str, check: Callable[[], str]) -> Result:
    try:
        return Result(name, True, check())
    except UserError as error:
        return Result(name, False, str(error))


def _digest(reference: str) -> str:
    """What tells images apart, whatever registry a node pulls from."""
    return reference.partition("@")[2] or reference


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", f"safe.directory={folder}", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=_GIT_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        raise UserError(
            f"the step code is no clone that git can read: {said.strip()}",
            where=str(folder),
            mend="look at the task's log for what the agent cloned",
            failure_class="code",
        ) from None
    return done.stdout.strip()


def _mount_options(target: str, mounts: Path) -> set[str] | None:
    """Options of what is mounted at a folder; the last one there is what one sees."""
    found = None
    for line in mounts.read_text().splitlines():
        fields = line.split()
        # the kernel writes a space, a tab, a line's end and a backslash by their octal numbers
        if fields[4].encode().decode("unicode_escape") == target:
            found = set(fields[5].split(","))
    return found


def _write(target: str, where: str) -> None:
    try:
        with tempfile.NamedTemporaryFile(prefix=".smoke-", dir=target) as file:
            file.write(b"smoke")
            file.flush()
    except OSError as error:
        raise UserError(
            f"the folder {target} cannot be written: {error.strerror}",
            where=where,
            mend="let the user that tasks run as write to the folder on the node, or declare the "
            "mount without writable",
            failure_class="permission",
        ) from None
