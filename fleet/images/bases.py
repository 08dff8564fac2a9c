"""Which Debian an image stands on: pulled by digest, or made here."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from fleet.errors import FleetError
from fleet.images import debootstrap, engine
from fleet.images.catalog import BaseSpec
from fleet.images.model import Base
from fleet.images.process import Programs

Mode = Literal["auto", "registry", "debootstrap"]

# A registry that has not named the image by then is taken as not reachable.
_FIRST_WORD_SECONDS = 20


def made_here(name: str, mark: str = "") -> str:
    """Tag of a base that debootstrap made."""
    return f"fleet/base-{name}:debootstrap{mark}"


def find(name: str, spec: BaseSpec, mode: Mode, ours: dict[str, str]) -> Base | None:
    """The base, if the engine has it already.

    Parameters
    ----------
    name, spec
        The base.
    mode : {"auto", "registry", "debootstrap"}
        Where it may come from; `auto` takes either, the pinned digest first.
    ours : dict of str to str
        :func:`engine.our_images`.
    """
    if mode != "debootstrap" and engine.inspect(spec.reference):
        return Base(name, spec.reference, spec.digest, "registry")
    if mode != "registry" and made_here(name) in ours:
        return _made(name, made_here(name))
    return None


def obtain(
    name: str,
    spec: BaseSpec,
    mode: Mode,
    *,
    echo: Callable[[str], None],
    folder: Path,
    log: Path,
    programs: Programs,
    mark: str = "",
) -> Base:
    """Pull the base, or make it.

    Parameters
    ----------
    name, spec, mode
        See :func:`find`.
    echo : callable
        Takes a line when something is done that the user should know of.
    folder : Path
        Where a tree can be made.
    log, programs
        See :meth:`Programs.run`.
    mark : str
        The end of the tag of what is made here.
    """
    if mode != "debootstrap":
        trouble = _pull(spec.reference, log)
        if trouble is None:
            return Base(name, spec.reference, spec.digest, "registry")
        if mode == "registry":
            raise FleetError(
                f"{spec.reference} could not be pulled: {trouble}",
                where="images/bases.yml",
                mend="see that Docker reaches a registry or its mirror, or let the bases be made "
                "here: --bases debootstrap",
            )
    debootstrap.ensure_installed(echo, log=log, programs=programs)
    debootstrap.make_base(
        name,
        tag=made_here(name, mark),
        labels=dict([engine.OURS.split("=")]),
        docker=shutil.which("docker") or "docker",
        folder=folder,
        log=log,
        programs=programs,
    )
    return _made(name, made_here(name, mark))


def _made(name: str, tag: str) -> Base:
    """A base that was made here; its content is its one layer, whenever that was made."""
    layers = (engine.inspect(tag) or {})["RootFS"]["Layers"]
    return Base(name, tag, layers[0], "debootstrap")


def _pull(reference: str, log: Path) -> str | None:
    """Pull an image; what went wrong, or None."""
    process = subprocess.Popen(
        ["docker", "pull", reference],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    # The engine's first line comes once the registry has answered; layers may take their time.
    silence = threading.Timer(_FIRST_WORD_SECONDS, process.kill)
    silence.start()
    lines = []
    with process, log.open("a") as output:
        for line in process.stdout or ():
            silence.cancel()
            output.write(line)
            lines.append(line.strip())
    silence.cancel()
    if process.returncode == 0:
        return None
    return lines[-1] if lines else f"no answer in {_FIRST_WORD_SECONDS} s"
