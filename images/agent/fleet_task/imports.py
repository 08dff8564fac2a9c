"""Leaves out of the agent's imports what only an installation of packages needs."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

_TOOLS = "pkg_resources"


def without_package_tools() -> None:
    """Put off the import of `pkg_resources`, a third of the agent's own, until it is used.

    The agent wants of it the class `Requirement`, for the lists of packages that it would install.
    """
    if _TOOLS not in sys.modules:
        sys.modules[_TOOLS] = _StandIn(_TOOLS)


class _Requirement:
    """`pkg_resources.Requirement` as far as the agent uses it: it only ever parses."""

    @staticmethod
    def parse(text: str) -> Any:
        """A requirement of the real kind."""
        return _real().Requirement.parse(text)


class _StandIn(ModuleType):
    Requirement = _Requirement

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system asks of each module
            raise AttributeError(name)
        return getattr(_real(), name)


def _real() -> ModuleType:
    if isinstance(sys.modules.get(_TOOLS), _StandIn):
        del sys.modules[_TOOLS]
    try:
        return importlib.import_module(_TOOLS)
    except ImportError:  # a newer setuptools: the agent brings its own
        return importlib.import_module(f"clearml_agent._vendor.{_TOOLS}")
