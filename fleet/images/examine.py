"""Tests an image, and tells what is installed in it: a container without a network looks."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet.command import run
from fleet.errors import FleetError
from fleet.images import inside, locks
from fleet.images.catalog import IMAGES_DIR, ImageSpec, lineage
from fleet.images.model import BuiltImage

_MOST_SECONDS = 600
_PYTHON = "/opt/venv/bin/python3"
#: What must work in each image that nodes pull.
_RUNS = ("clearml-agent --version", "clearml-agent execute --help", "git --version")


@dataclass(frozen=True)
class Installed:
    """What is installed in an image.

    Parameters
    ----------
    python : list of dict
        `name`, `version` and `licences` of each Python package, in order of their names.
    debian : list of dict
        The same of each Debian package, with `architecture` and `source`.
    """

    python: list[dict[str, Any]]
    debian: list[dict[str, Any]]


def examine(
    image: BuiltImage, specs: Mapping[str, ImageSpec], echo: Callable[[str], None]
) -> Installed:
    """Test an image that stands on the common one: nothing of it is changed.

    Parameters
    ----------
    image : BuiltImage
        It is in this machine's engine.
    specs : mapping of str to ImageSpec
        The catalog.
    echo : callable
        Takes a line for what is worth knowing.

    Returns
    -------
    Installed
        What the SBOM tells.

    Raises
    ------
    FleetError
        With all that is wrong with the image.
    """
    request = {
        "locked": locked(image, specs),
        "programs": [shlex.split(command) for command in (*_RUNS, *specs[image.name].runs)],
        "torch": image.torch,
    }
    done = run(
        [
            "docker", "run", "--rm", "--interactive", "--network=none", "--read-only",
            "--tmpfs=/tmp", "--env=HOME=/tmp", f"--entrypoint={_PYTHON}", image.image_id,
            "-", json.dumps(request),
        ],
        stdin=Path(inside.__file__).read_text(),
        timeout=_MOST_SECONDS,
        check=False,
        mend=f"see what hangs: docker run --rm -it {image.reference} bash",
    )  # fmt: skip
    if done.returncode != 0:
        raise FleetError(
            f"the image '{image.name}' cannot be tested: {_last_line(done.stderr)}",
            where=image.reference,
            mend=f"look at it: docker run --rm -it --entrypoint bash {image.reference}",
        )
    found = json.loads(done.stdout.splitlines()[-1])
    if found["problems"]:
        listed = "".join(f"\n   - {problem}" for problem in found["problems"])
        raise FleetError(
            f"the image '{image.name}' does not pass its test:{listed}",
            where=image.reference,
            mend=f"mend images/{image.name}/ or its lock, and build again",
        )
    notes = "".join(f"; {note}" for note in found["notes"])
    count = len(request["locked"])
    echo(f"image {image.name}: tested, {count} locked packages import and agree{notes}")
    return Installed(found["python"], found["debian"])


def locked(image: BuiltImage, specs: Mapping[str, ImageSpec]) -> dict[str, str]:
    """Package → version of all locks that an image was installed from."""
    torch = image.torch or "cpu"
    paths = [specs[name].lock_for(torch) for name in lineage(image.name, dict(specs))]
    return {
        pin.name: pin.version
        for path in paths
        if path
        for pin in locks.parse((IMAGES_DIR / path).read_text()).values()
    }


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
