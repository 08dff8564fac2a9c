"""Fetching the wheels of a lock with this machine's own pip, before the build.

So the site's pip settings are honoured to the letter (indexes, find-links folders, proxies,
certificates, credentials in the environment or in pip.conf), and none of them is known to
the build: an image cannot hold what its build never saw.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from fleet.images.model import Torch
from fleet.images.process import Programs

PYTHON = "3.11"

# Debian 12's C library; a wheel for an older one runs on it too.
_GLIBC_MINOR = 36
_OLDEST_GLIBC_MINOR = 5
_MACHINES = {"amd64": "x86_64", "x86_64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}


def fetch(lock: Path, target: Path, *, machine: str, programs: Programs, log: Path) -> None:
    """Download the wheels that a lock names, each checked against its hashes.

    Parameters
    ----------
    lock : Path
        A lock with hashes.
    target : Path
        Folder for the wheels; those that lie there already are not fetched again.
    machine : str
        Processor of the images, in Docker's words: `amd64`, `arm64`.
    programs, log
        See :meth:`Programs.run`.
    """
    target.mkdir(parents=True, exist_ok=True)
    programs.run(
        [sys.executable, "-m", "pip", *pip_arguments(lock, target, machine)],
        log=log,
        what="the Python packages of an image could not be fetched",
        mend="see `pip config list` for the indexes that this machine uses; the log names the "
        "package. A PyTorch with `+cpu` in its version needs an index or a find-links folder "
        "that has it: set one, or choose `--torch cuda`",
    )


def pip_arguments(lock: Path, target: Path, machine: str) -> list[str]:
    """Arguments of pip: files and the image's platform, and nothing of the site's settings."""
    return [
        "download",
        "--no-input",
        "--progress-bar=off",
        "--disable-pip-version-check",
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        "--implementation=cp",
        f"--python-version={PYTHON}",
        f"--abi=cp{PYTHON.replace('.', '')}",
        *(f"--platform={platform}" for platform in platforms(machine)),
        f"--dest={target}",
        f"--requirement={lock}",
    ]


def platforms(machine: str) -> list[str]:
    """Wheel platforms that run on the images, the newest first."""
    cpu = _MACHINES.get(machine, machine)
    names = [
        f"manylinux_2_{minor}_{cpu}" for minor in range(_GLIBC_MINOR, _OLDEST_GLIBC_MINOR - 1, -1)
    ]
    names.append(f"manylinux2014_{cpu}")
    if cpu == "x86_64":
        names += ["manylinux2010_x86_64", "manylinux1_x86_64"]
    return names


def find_links() -> list[str]:
    """The find-links places of this machine's pip settings."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    return parse_find_links(done.stdout)


def parse_find_links(settings: str) -> list[str]:
    """Find-links places in what `pip config list` prints (`global.find-links='A B'`)."""
    places = []
    for line in settings.splitlines():
        key, _, value = line.partition("=")
        if key.endswith(".find-links"):
            places += ast.literal_eval(value).split()
    return list(dict.fromkeys(places))


def choose_torch(find_links: list[str], *, nvidia: bool) -> Torch:
    """Which build of PyTorch an image gets where nobody said.

    Parameters
    ----------
    find_links : list of str
        The find-links places of this machine's pip settings.
    nvidia : bool
        Whether this machine has NVIDIA's driver.

    Returns
    -------
    {"cpu", "cuda"}
        `cpu` on a machine without a GPU that was given a CPU wheel; `cuda` otherwise.
    """
    offered = any(
        folder.is_dir() and any(folder.glob("torch-*+cpu-*.whl"))
        for folder in (Path(place.removeprefix("file://")) for place in find_links)
    )
    return "cpu" if offered and not nvidia else "cuda"
