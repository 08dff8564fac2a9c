"""What was built and pushed, in a file of digests, so that nodes pull exactly that.

A local fleet has a file of its own; images/digests.yml is for all others.
It names no registry: a node pulls `REGISTRY/repository@digest`, and which registry that is,
its inventory says.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fleet.command import run
from fleet.errors import FleetError
from fleet.images.catalog import IMAGES_DIR
from fleet.images.model import BuiltImage

PATH = IMAGES_DIR / "digests.yml"

_HEAD = """\
# What `fleet images build --push` built and pushed. Written by it: do not edit.
"""
_MEND = "build the images again: fleet images build --push REGISTRY"


class Pushed(BaseModel):
    """One image in a registry.

    Parameters
    ----------
    repository : str
        Its name there, without the registry's host.
    digest : str
        Digest of its manifest.
    inputs : str
        Hash of all that went into it.
    base : str
        Where its Debian came from: `registry` or `debootstrap`.
    torch : str, optional
        Which build of PyTorch it carries: `cpu` or `cuda`.
    sbom : str, optional
        SHA-256 of its bill of materials, `sbom/NAME.cdx.json` beside this file, which was
        written when it had passed its test.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    repository: str
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    inputs: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    base: str = ""
    torch: str = ""
    sbom: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")] = ""

    @classmethod
    def of(cls, image: BuiltImage, sbom: str = "") -> Pushed:
        """The entry of an image that was pushed."""
        return cls(
            repository=image.repository,
            digest=image.digest,
            inputs=image.inputs,
            base=image.base,
            torch=image.torch,
            sbom=sbom,
        )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    images: dict[str, Pushed] = Field(default_factory=dict)


def read(path: Path = PATH) -> dict[str, Pushed]:
    """What was pushed, by image; empty where nothing was yet.

    Raises
    ------
    FleetError
        The file is there and cannot be read, or is not what this module writes.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise _unreadable(path, "it is not UTF-8 text") from None
    except ValueError:  # a NUL character
        raise _unreadable(path, "this is no path") from None
    try:
        return _File.model_validate(yaml.safe_load(text) or {}).images
    except yaml.YAMLError as error:
        line = error.problem_mark.line + 1 if isinstance(error, yaml.MarkedYAMLError) else 1
        raise FleetError("this is not YAML", where=f"{path}:{line}", mend=_MEND) from None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise FleetError(f"{field}: {first['msg']}", where=str(path), mend=_MEND) from None


def _unreadable(path: Path, reason: str) -> FleetError:
    return FleetError(
        f"the digests of the images cannot be read: {reason}",
        where=str(path),
        mend="name the file of digests: fleet_digests_file of the inventory, or --digests",
    )


def by_name(path: Path = PATH) -> dict[str, str]:
    """Image name → digest of what was pushed."""
    return {name: image.digest for name, image in read(path).items()}


def update(pushed: dict[str, Pushed], path: Path = PATH) -> None:
    """Write what was pushed beside what the file has of other images; at once or not at all."""
    images = {**read(path), **pushed}
    content = {
        name: image.model_dump(exclude_defaults=True) for name, image in sorted(images.items())
    }
    text = _HEAD + yaml.safe_dump({"images": content}, sort_keys=False)
    handle, temporary = tempfile.mkstemp(prefix=".digests-", dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(temporary).chmod(0o644)
    Path(temporary).replace(path)


def show(source: Path, path: Path = PATH) -> None:
    """Copy what a local fleet has built to where people look, unless that is a site's release.

    Parameters
    ----------
    source : Path
        The fleet's own file.
    path : Path
        The repository's. Where git tracks it, it is the release that a site has made for its own
        registry: a local fleet leaves it alone.
    """
    if source.exists() and not _is_release(path):
        shutil.copyfile(source, path)


def hide(source: Path, path: Path = PATH) -> None:
    """Take away what :func:`show` copied, if nobody has written there since."""
    if not (source.exists() and path.exists()) or _is_release(path):
        return
    if source.read_bytes() == path.read_bytes():
        path.unlink()


def _is_release(path: Path) -> bool:
    arguments = ["git", "-C", str(path.parent), "ls-files", "--error-unmatch", path.name]
    return run(arguments, check=False).returncode == 0
