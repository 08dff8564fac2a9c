"""The command that builds one image."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fleet.images.engine import OURS, Builder
from fleet.images.model import Base, BuiltImage
from fleet.images.site import Site


def build_command(
    builder: Builder,
    image: BuiltImage,
    parent: Base | BuiltImage,
    site: Site,
    secrets: Path,
    context: Path,
    *,
    cache: bool = True,
) -> list[str]:
    """Arguments of the build; none holds a value of the site's settings.

    Parameters
    ----------
    builder : Builder
        The client.
    image : BuiltImage
        What is built; its id is not known yet.
    parent : Base or BuiltImage
        What it stands on.
    site : Site
        Proxies are named only: docker reads their values from the environment.
    secrets : Path
        From :func:`secrets_folder`.
    context : Path
        The build context.
    cache : bool
        Whether steps that the builder remembers are taken over.
    """
    return [
        *builder.command,
        "--progress=plain",
        *([] if cache else ["--no-cache"]),
        *(f"--label={key}={value}" for key, value in labels(image, parent).items()),
        f"--build-arg=BASE={parent.reference}",
        *(f"--build-arg={name}" for name in site.proxies),
        *(f"--secret=id={name},src={secrets / name}" for name in ("apt", "ca")),
        *(["--network=host"] if site.host_network else []),
        f"--tag={image.reference}",
        str(context),
    ]


def labels(image: BuiltImage, parent: Base | BuiltImage) -> dict[str, str]:
    """Labels of an image: what it is made of, and that it was made here."""
    ours, _, yes = OURS.partition("=")
    found = {
        ours: yes,
        "fleet.image": image.name,
        "fleet.inputs": image.inputs,
        "fleet.base": image.base,
        "org.opencontainers.image.title": image.repository,
        "org.opencontainers.image.version": image.inputs[:16],
        "org.opencontainers.image.base.name": parent.reference,
    }
    if image.torch:
        found["fleet.torch"] = image.torch
    return found


@contextmanager
def secrets_folder(site: Site) -> Iterator[Path]:
    """A folder that only its owner reads, with the site's settings as files, while it is open."""
    with tempfile.TemporaryDirectory(prefix="fleet-build-") as name:
        folder = Path(name)
        (folder / "apt").write_text(site.apt)
        (folder / "ca").write_bytes(site.ca)
        yield folder
