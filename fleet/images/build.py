"""Build images, push them, and write down what was pushed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from fleet.errors import FleetError
from fleet.images.model import BuiltImage


def build(
    names: Iterable[str],
    *,
    push_to: str | None = None,
    torch: str = "auto",
    bases: str = "auto",
    echo: Callable[[str], None] = print,
) -> dict[str, BuiltImage]:
    """Build the named images and what they stand on; an image that is there already is kept.

    Parameters
    ----------
    names : iterable of str
        Any of `common`, `cpu`, `cuda`, `agent`, `node`, `services`.
    push_to : str, optional
        A registry, `host:port`; `cpu`, `cuda` and `agent` are pushed to it, and
        `images/digests.yml` is written.
    torch : {"auto", "cpu", "cuda"}
        Which build of PyTorch the cuda image carries.
    bases : {"auto", "registry", "debootstrap"}
        Where the Debian bases come from.
    echo : callable
        Takes one line for each step.

    Returns
    -------
    dict of str to BuiltImage
        One for each name asked for.

    Raises
    ------
    FleetError
        For anything that stops a build, with what to do about it.
    """
    raise FleetError("this build of the images is not there yet", where="fleet/images/build.py")
