"""What a fleet needs beside its nodes, and which machines of an inventory give it."""

from __future__ import annotations

from collections.abc import Iterable

#: Groups of an inventory that `services.yml` sees to. Their machines may be nodes, and need not be.
GROUPS = ("registries", "clearml_servers", "embedded_servers")


def serves(groups: Iterable[str]) -> bool:
    """Whether a host of these groups gives a service, so that it needs no slot."""
    return not frozenset(GROUPS).isdisjoint(groups)
