"""Which images there are (images/images.yml) and which bases (images/bases.yml)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from fleet.errors import FleetError
from fleet.images.model import Torch
from fleet.paths import REPOSITORY

IMAGES_DIR = REPOSITORY / "images"

_T = TypeVar("_T")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class BaseSpec(_Strict):
    """A base as a registry has it: a name that an updater follows, and the digest it is held to."""

    image: str
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]

    @property
    def reference(self) -> str:
        """`debian@sha256:…`: the tag says nothing that the digest does not."""
        return f"{self.image.partition(':')[0]}@{self.digest}"


class ImageSpec(_Strict):
    """An image to build.

    Parameters
    ----------
    parent : str
        What it stands on (`from`): a base, or another image.
    lock : str or dict, optional
        Lock of its Python packages, a path in images/; one for each build of PyTorch where
        there are two.
    push : bool
        Whether nodes pull it from the registry.
    folder : str, optional
        Its folder in images/ where that is not its name: one image on two bases.
    runs : tuple of str
        Commands that must end well in it, beside those that must in every image that is pushed.
    """

    parent: str = Field(alias="from")
    lock: str | dict[Torch, str] | None = None
    push: bool = False
    folder: str | None = None
    runs: tuple[str, ...] = ()

    @property
    def has_torch(self) -> bool:
        """Whether a build of PyTorch must be chosen for it."""
        return isinstance(self.lock, dict)

    def lock_for(self, torch: Torch) -> str | None:
        """Path of the lock, given the build of PyTorch."""
        return self.lock[torch] if isinstance(self.lock, dict) else self.lock


def load_images(folder: Path = IMAGES_DIR) -> dict[str, ImageSpec]:
    """Images by name, each after the one that it stands on."""
    path = folder / "images.yml"
    specs = _load(path, dict[str, ImageSpec])
    bases = load_bases(folder)
    for position, (name, spec) in enumerate(specs.items()):
        before = [*bases, *list(specs)[:position]]
        if spec.parent not in before:
            raise FleetError(
                f"the image '{name}' stands on '{spec.parent}', which is not there",
                where=str(path),
                mend=f"name one of: {', '.join(before)}; an image comes after its parent",
            )
    return specs


def load_bases(folder: Path = IMAGES_DIR) -> dict[str, BaseSpec]:
    """Bases by name."""
    return _load(folder / "bases.yml", dict[str, BaseSpec])


def lineage(name: str, specs: dict[str, ImageSpec]) -> list[str]:
    """The image and the images that it stands on, the undermost first."""
    parent = specs[name].parent
    return [*(lineage(parent, specs) if parent in specs else []), name]


def _load(path: Path, kind: type[_T]) -> _T:
    try:
        return TypeAdapter(kind).validate_python(yaml.safe_load(path.read_text()))
    except FileNotFoundError:
        raise FleetError("the file is not there", where=str(path), mend="restore it") from None
    except yaml.YAMLError as error:
        raise FleetError(f"this is not YAML: {error}", where=str(path)) from None
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors()
        )
        raise FleetError(
            problems, where=str(path), mend="see the comments at the head of the file"
        ) from None
