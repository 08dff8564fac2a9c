"""Finding what a package's modules declare, so that adding one is adding a file."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any


def declared(package: ModuleType, attribute: str) -> list[Any]:
    """The value of `attribute` in each module of a package, in the order of module names.

    Modules without it, or whose name begins with an underscore, are left out.
    """
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    modules = [
        importlib.import_module(f"{package.__name__}.{name}")
        for name in names
        if not name.startswith("_")
    ]
    return [getattr(module, attribute) for module in modules if hasattr(module, attribute)]
