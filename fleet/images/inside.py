"""Looks at an image from inside: what is installed there, and whether it works.

:mod:`fleet.images.examine` hands this file to the image's own Python. So it stands alone, with
the standard library of Python 3.11, and nothing of it is in an image. It reads a request as JSON
from the command line and prints what it found as JSON.
"""

from __future__ import annotations

import ctypes
import email
import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

PROGRAM_SECONDS = 60
IMPORT_SECONDS = 300
DRIVER = "libcuda.so.1"
# It says which it is at, so that it is known what ended it.
_IMPORTER = """\
import importlib, json, sys
for name in json.loads(sys.argv[1]):
    print("at", name, flush=True)
    try:
        importlib.import_module(name)
    except BaseException as error:
        print("no", name, f"{type(error).__name__}: {error}".replace("\\n", " "), flush=True)
"""
_NORMAL = re.compile(r"[-_.]+")
# What may be told of a licence in Debian's copyright files: its short name.
_LICENCE = re.compile(r"^License:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_MACHINE_READABLE = "https://www.debian.org/doc/packaging-manuals/copyright-format"
_DPKG_FIELDS = ("binary:Package", "Version", "Architecture", "source:Package", "db:Status-Abbrev")
# Where an image without dpkg's own record says what was unpacked into it.
_UNPACKED = Path("/var/lib/dpkg/status.d")
_COMMON_LICENCE = re.compile(r"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9])")


def look(request: dict[str, Any]) -> dict[str, Any]:
    """All that is asked for.

    Parameters
    ----------
    request : dict
        `locked`: package → version, of the image's locks; `programs`: commands that must work,
        each a list of words; `torch`: `cpu`, `cuda`, or empty without PyTorch.

    Returns
    -------
    dict
        `python` and `debian`: what is installed; `problems` and `notes`: sentences.
    """
    found = {normal(item["Name"]): item for item in distributions()}
    problems = [
        *wrong_versions(request["locked"], {name: item["Version"] for name, item in found.items()}),
        *failed_imports(sorted(found), request["locked"]),
        *failed_programs([[sys.executable, "-m", "pip", "check"], *request["programs"]]),
    ]
    wrong, notes = cuda(request["torch"])
    return {
        "python": [python_package(name, found[name]) for name in sorted(found)],
        "debian": debian_packages(),
        "problems": problems + wrong,
        "notes": notes,
    }


def normal(name: str) -> str:
    """A package's name as PyPA compares it."""
    return _NORMAL.sub("-", name).lower()


def distributions() -> Iterator[Any]:
    """Metadata of the Python packages of this interpreter."""
    return (item.metadata for item in importlib.metadata.distributions())


def wrong_versions(locked: dict[str, str], installed: dict[str, str]) -> list[str]:
    """What is not installed in the version of the lock, and what is installed without one."""
    problems = []
    for name, version in locked.items():
        there = installed.get(normal(name))
        if there != version:
            problems.append(f"{name} {version} is locked, {there or 'nothing'} is installed")
    known = {normal(name) for name in locked}
    problems += [
        f"{name} {version} is installed and not locked"
        for name, version in sorted(installed.items())
        if name not in known
    ]
    return problems


def importable(files: Iterable[str]) -> list[str]:
    """Names to import of a package, from the paths of its files."""
    names = set()
    for file in files:
        first, _, rest = file.partition("/")
        if not rest and first.endswith(".py"):
            names.add(first.removesuffix(".py"))
        elif not rest and ".cpython-" in first and first.endswith(".so"):
            names.add(first.partition(".")[0])
        elif rest == "__init__.py":
            names.add(first)
    return sorted(name for name in names if name.isidentifier())


def failed_imports(installed: list[str], locked: dict[str, str]) -> list[str]:
    """What cannot be imported of the packages of the lock that are installed."""
    wanted = {normal(name) for name in locked} & set(installed)
    modules = sorted(
        {
            module
            for name in wanted
            for module in importable(map(str, importlib.metadata.files(name) or ()))
        }
    )
    # One process for all takes seconds where one for each takes minutes; but in it, a package may
    # fail for what another one did before. So what fails there is tried again by itself.
    return [
        problem for module in suspects(modules) for problem in import_problems(*imported([module]))
    ]


def suspects(modules: list[str]) -> list[str]:
    """Which modules may not be importable: those that fail beside others, or were not reached."""
    printed, status = imported(modules)
    names = [line.split(" ")[1] for line in printed.splitlines() if line.startswith("no ")]
    if status != 0:
        reached = sum(line.startswith("at ") for line in printed.splitlines())
        names += modules[max(reached - 1, 0) :]
    return names


def imported(modules: list[str]) -> tuple[str, int]:
    """What the importer printed, and how it ended."""
    # SIGALRM ends Python: nobody waits for ever for a package that waits while it is imported.
    importer = f"import signal; signal.alarm({IMPORT_SECONDS})\n{_IMPORTER}"
    done = subprocess.run(
        [sys.executable, "-c", importer, json.dumps(modules)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, errors="replace",
    )  # fmt: skip
    return done.stdout, done.returncode


def import_problems(printed: str, status: int) -> list[str]:
    """What went wrong, from the importer's output and its exit status."""
    problems = []
    last = "nothing"
    for line in printed.splitlines():
        word, _, rest = line.partition(" ")
        if word == "at":
            last = rest
        elif word == "no":
            name, _, reason = rest.partition(" ")
            problems.append(f"`import {name}` fails: {reason}")
    if status != 0:
        problems.append(f"`import {last}` ends Python with status {status}")
    return problems


def failed_programs(commands: list[list[str]]) -> list[str]:
    """Which commands do not end with status 0, and the last that they said."""
    problems = []
    for command in commands:
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, errors="replace", timeout=PROGRAM_SECONDS, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            problems.append(f"`{' '.join(command)}` fails: {error}")
            continue
        if done.returncode != 0:
            told = "; ".join(done.stdout.strip().splitlines()[-5:]) or f"status {done.returncode}"
            problems.append(f"`{' '.join(command)}` fails: {told}")
    return problems


def cuda(torch: str) -> tuple[list[str], list[str]]:
    """Problems with PyTorch's CUDA libraries, and what there is to say of them."""
    if not torch:
        return [], []
    import torch as library

    if torch == "cpu":
        if library.version.cuda:
            return [f"PyTorch is built for CUDA {library.version.cuda}, not for the CPU"], []
        return [], [f"PyTorch {library.__version__} is the CPU build: no CUDA libraries to load"]
    if not library.version.cuda:
        return [f"PyTorch {library.__version__} is not built for CUDA"], []
    site = Path(library.__file__).parents[1]
    libraries = sorted({*site.glob("nvidia/**/lib/*.so*"), *site.glob("torch/lib/*cuda*.so*")})
    if not libraries:
        return [f"there are no CUDA libraries in {site}"], []
    return cuda_libraries(libraries)


def cuda_libraries(libraries: list[Path]) -> tuple[list[str], list[str]]:
    """Load each library; those that want the driver, which a node has, are only counted."""
    problems, waiting = [], 0
    for path in libraries:
        try:
            ctypes.CDLL(str(path))
        except OSError as error:
            if DRIVER in str(error):
                waiting += 1
            else:
                problems.append(f"{path.name} does not load: {error}")
    notes = [f"{len(libraries) - waiting - len(problems)} CUDA libraries load"]
    if waiting:
        notes.append(f"{waiting} want the driver's {DRIVER}, which is not on this machine")
    return problems, notes


def python_package(name: str, metadata: Any) -> dict[str, Any]:
    """Name, version and licences of a Python package."""
    return {"name": name, "version": metadata["Version"], "licences": python_licences(metadata)}


def python_licences(metadata: Any) -> list[str]:
    """One SPDX expression, or the words of the package; empty where it says nothing."""
    if expression := metadata["License-Expression"]:
        return [expression]
    said = (metadata["License"] or "").strip()
    # Some have the whole text there.
    if said and "\n" not in said and said.upper() != "UNKNOWN":
        return [said]
    return sorted(
        line.rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier") or ()
        if line.startswith("License :: ") and line != "License :: OSI Approved"
    )


def debian_packages() -> list[dict[str, Any]]:
    """Name, version, architecture, source and licences of each Debian package.

    Those that were unpacked without dpkg are `foreign`: another release's, perhaps.
    """
    form = "\\t".join(f"${{{field}}}" for field in _DPKG_FIELDS) + "\\n"
    listed = subprocess.run(
        ["dpkg-query", "--show", f"--showformat={form}"], capture_output=True, text=True, check=True
    ).stdout
    packages = []
    for line in listed.splitlines():
        name, version, architecture, source, status = line.split("\t")
        if status.startswith("ii"):
            packages.append(debian_package(name.partition(":")[0], version, architecture, source))
    for path in sorted(_UNPACKED.glob("*")):
        fields = email.message_from_string(path.read_text())
        name, source = fields["Package"], (fields["Source"] or fields["Package"]).split()[0]
        package = debian_package(name, fields["Version"], fields["Architecture"], source)
        packages.append(package | {"foreign": True})
    return packages


def debian_package(name: str, version: str, architecture: str, source: str) -> dict[str, Any]:
    """One package, with the licences that its copyright file names."""
    file = Path("/usr/share/doc") / name / "copyright"
    text = file.read_text(errors="replace") if file.is_file() else ""
    return {
        "name": name,
        "version": version,
        "architecture": architecture,
        "source": source,
        "licences": debian_licences(text),
    }


def debian_licences(text: str) -> list[str]:
    """The licences that a copyright file names, in Debian's words; empty where it names none.

    In the machine-readable format they are named; an older file mostly points at the licences'
    texts in /usr/share/common-licenses.
    """
    if _MACHINE_READABLE in text.partition("\n\n")[0].replace("http:", "https:"):
        names = set(_LICENCE.findall(text))
    else:
        names = set(_COMMON_LICENCE.findall(text))
    return sorted(names)


if __name__ == "__main__":
    print(json.dumps(look(json.loads(sys.argv[1]))))
