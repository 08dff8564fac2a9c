"""A container registry: is an image there, and bring it there."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

import requests

from fleet.errors import FleetError
from fleet.images.model import BuiltImage
from fleet.images.process import Programs

_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.oci.image.index.v1+json"
)
_ANSWER_SECONDS = 5
_PUSHED = re.compile(r"digest: (sha256:[0-9a-f]{64})")


def has(registry: str, repository: str, digest: str) -> bool:
    """Whether the registry has a manifest; False also where it does not say."""
    url = f"{_scheme(registry)}://{registry}/v2/{repository}/manifests/{digest}"
    try:
        answer = requests.head(url, headers={"Accept": _MANIFESTS}, timeout=_ANSWER_SECONDS)
    except requests.RequestException:
        return False
    return answer.status_code == requests.codes.ok


def push(image: BuiltImage, *, registry: str, log: Path, programs: Programs) -> str:
    """Push an image.

    Parameters
    ----------
    image : BuiltImage
        What to push; it keeps its repository and tag.
    registry : str
        `host:port`.
    log, programs
        See :meth:`Programs.run`.

    Returns
    -------
    str
        Digest of its manifest, `sha256:…`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    target = f"{registry}/{image.reference}"
    mend = (
        f"see that it runs and that Docker may speak with it: docker push {target} "
        "(another host's registry without TLS needs `insecure-registries` in daemon.json)"
    )
    programs.run(
        ["docker", "tag", image.image_id, target],
        log=log,
        what=f"{target} cannot be a name",
        mend=mend,
    )
    start = log.stat().st_size
    programs.run(["docker", "push", target], log=log, what=f"{target} was not taken", mend=mend)
    digests = _PUSHED.findall(log.read_bytes()[start:].decode(errors="replace"))
    if not digests:
        raise FleetError(f"docker push did not tell the digest of {target}", where=str(log))
    return digests[-1]


def _scheme(registry: str) -> str:
    """Docker speaks plain HTTP with this machine's own addresses, TLS with all others."""
    host = registry.rpartition(":")[0] or registry
    if host == "localhost":
        return "http"
    try:
        return "http" if ipaddress.ip_address(host.strip("[]")).is_loopback else "https"
    except ValueError:
        return "https"
