"""What an image is, before and after it is built."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BuiltImage:
    """An image that is in this machine's engine, and perhaps in a registry.

    Parameters
    ----------
    name : str
        `cpu`, `cuda`, `agent`, `node`, `services` or `common`.
    image_id : str
        The engine's id, `sha256:…`.
    reference : str
        What to give to `docker run` on this machine: `fleet/<name>:<first 16 of inputs>`.
    repository : str
        `fleet/<name>`: without a registry's host, which differs by who looks.
    digest : str
        The manifest's digest in the registry it was pushed to, `sha256:…`; empty when
        the image was not pushed (`node` and `services` never are).
    inputs : str
        The hash of all that went into it.
    torch : str
        `cpu` or `cuda` for the cuda image, else empty.
    """

    name: str
    image_id: str
    reference: str
    repository: str
    digest: str
    inputs: str
    torch: str = ""
