"""The images that nodes run: built from `images/`, pushed to a registry, pinned by digest."""

from fleet.images.build import build, present, to_build
from fleet.images.model import BuiltImage

__all__ = ["BuiltImage", "build", "present", "to_build"]
