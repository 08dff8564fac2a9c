"""What an image is, before and after it is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Torch = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Base:
    """A Debian release that images stand on.

    Parameters
    ----------
    name : str
        Its name in bases.yml: `bookworm` or `trixie`.
    reference : str
        What `FROM` is given.
    identity : str
        Its content, in one string: a registry's digest, or that of the layer made here.
    origin : {"registry", "debootstrap"}
        Where it came from.
    """

    name: str
    reference: str
    identity: str
    origin: str


@dataclass(frozen=True)
class BuiltImage:
    """An image that is in this machine's engine, and perhaps in a registry.

    Parameters
    ----------
    name : str
        A name of images.yml: `cpu`, `cuda`, `agent`, `node`, `services` or `common`.
    image_id : str
        The engine's id, `sha256:…`.
    reference : str
        What to give to `docker run` on this machine: `fleet/<name>:<first 16 of inputs>`.
    repository : str
        `fleet/<name>`: without a registry's host, which differs by who looks.
    digest : str
        The manifest's digest in the registry that it was pushed to, `sha256:…`; empty when
        the image was not pushed (those without `push` in images.yml never are).
    inputs : str
        The hash of all that went into it.
    base : str
        Where its Debian came from: `registry` or `debootstrap`.
    torch : {"", "cpu", "cuda"}
        Which build of PyTorch is in it.
    """

    name: str
    image_id: str
    reference: str
    repository: str
    digest: str
    inputs: str
    base: str
    torch: str = ""
