"""Which machine a node is, as far as that shows in how it is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleet.inventory.model import NotKnown
from fleet.plan.values import plain

if TYPE_CHECKING:
    from fleet.inventory.source import Entry, Source

_SSH = "ssh"
_PORT = "22"
# Names of one kind of connection.
_AS_SSH = frozenset(("smart", _SSH, "ansible.builtin.ssh"))


def address(source: Source, entry: Entry) -> tuple[str, ...] | None:
    """What a connection to a node is made by: the same for two nodes that are one machine.

    None where it is not known: a part of it is encrypted, cannot be worked out, or is no text.
    """
    try:
        host = _first(source, entry, "ansible_host", "ansible_ssh_host") or entry.name
        kind = _first(source, entry, "ansible_connection") or _SSH
        return (
            host.lower(),
            _SSH if kind in _AS_SSH else kind,
            _first(source, entry, "ansible_port", "ansible_ssh_port") or _PORT,
            _first(source, entry, "ansible_ssh_common_args"),
            _first(source, entry, "ansible_ssh_extra_args"),
        )
    except NotKnown:
        return None


def _first(source: Source, entry: Entry, *names: str) -> str:
    """The first of some variables that a node has; empty where it has none.

    Raises
    ------
    NotKnown
        It is no text and no number.
    """
    for name in names:
        value = source.value(entry, name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if value is None:
            continue
        if not isinstance(value, str):
            raise NotKnown(f"{name} is no text")
        if plain(value).strip():
            return plain(value).strip()
    return ""
