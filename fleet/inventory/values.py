"""What an inventory says for the whole fleet, as its nodes see it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from fleet.inventory.environment import PLAYBOOKS
from fleet.inventory.faults import Faults, words
from fleet.inventory.model import NotKnown, shown
from fleet.plan.findings import Finding
from fleet.plan.values import BAD_VALUE, described, plain
from fleet.spec import Place, Problem

REGISTRY = "fleet_registry"
CONTRACT = "fleet_queues_file"
#: Rule of a template that cannot be worked out, and how to mend it.
BAD_TEMPLATE = "bad-template"
CORRECT = "correct the template, or write the value itself"
# Variable of the inventory → attribute of Inventory.
_ATTRIBUTES = {"fleet_digests_file": "digests_file", "queues_config_file": "config_file"}
_FILES = (*_ATTRIBUTES, CONTRACT)
_HELP = {
    REGISTRY: "the registry that nodes pull images from, HOST[:PORT]",
    "fleet_digests_file": "the file of the images' digests, images/digests.yml",
    CONTRACT: "the path of queues.yml",
    "queues_config_file": "a clearml.conf by which the queues are declared",
}


class FleetValues:
    """Collects the values from node to node.

    Parameters
    ----------
    source : Source
        The inventory.
    faults : Faults
        Gets what is wrong.
    """

    def __init__(self, source: Any, faults: Faults) -> None:
        self._source = source
        self._faults = faults
        self._missing: dict[str, list[str]] = {}
        self._nodes = 0
        self._registries: Counter[str] = Counter()
        self._files: dict[str, Counter[str]] = {name: Counter() for name in _FILES}
        self._unknown: dict[str, dict[str, None]] = {}

    def see(self, entry: Any) -> str:
        """Take the values of one node; its registry, empty where it is not known."""
        self._nodes += 1
        for name, values in self._files.items():
            value = self._text(entry, name)
            if value:
                values[value] += 1
        registry = self._text(entry, REGISTRY)
        if registry:
            self._registries[registry] += 1
        return registry

    def contract(self) -> Path | None:
        """The queues.yml that the first host names which names one, node or not.

        Raises
        ------
        Problem
            What it names is no file that is there.
        """
        entry = next((entry for entry in self._source if CONTRACT in entry.variables), None)
        if entry is None:
            return None
        try:
            value = self._source.value(entry, CONTRACT)
        except NotKnown as error:
            finding = _not_known(CONTRACT, error)
        else:
            if value is None:
                return None
            finding = _not_a_path(CONTRACT, value)
            if finding is None:
                path = _path(plain(value).strip())
                if path.exists():
                    return path
                what = f"{CONTRACT} is {shown(path)}, and no such file is there"
                mend = f"correct {CONTRACT}, or give --spec"
                finding = Finding("unreadable-file", CONTRACT, None, what, mend)
        place = self._source.place_of(entry.name, CONTRACT)
        raise finding.problem(entry.name, place)

    def values(self) -> dict[str, Any]:
        """Attribute of Inventory → what most of the nodes say."""
        found: dict[str, Any] = {"registry": _most(self._registries)}
        for name, attribute in _ATTRIBUTES.items():
            text = _most(self._files[name])
            found[attribute] = _path(text) if text else None
        found["unknown"] = {
            name: reason for reason, names in self._unknown.items() for name in names
        }
        return found

    def missing(self) -> list[Problem]:
        """Values that nodes do not have and site.yml needs."""
        return [
            Problem(
                "missing-variable",
                f"{name} is not set"
                + (
                    f" on the host {words(hosts[0], len(hosts))}"
                    if len(hosts) < self._nodes
                    else ""
                ),
                place=Place(self._source.shown),
                mend=f"set it in the inventory's group_vars/all: {_HELP[name]}",
            )
            for name, hosts in self._missing.items()
        ]

    def notes(self) -> list[str]:
        """What is not known, and where nodes differ in what they must have in common."""
        notes = [
            f"{', '.join(names)} cannot be told yet: {reason}"
            for reason, names in self._unknown.items()
        ]
        for name, values in self._files.items():
            if len(values) > 1:
                notes.append(f"nodes differ in {name}: {', '.join(values)}")
        return notes

    def _text(self, entry: Any, name: str) -> str:
        try:
            value = self._source.value(entry, name)
        except NotKnown as error:
            # Which contract holds was either settled otherwise, or asked before.
            if name == CONTRACT or error.excused or self._source.left_out:
                self._unknown.setdefault(str(error), {})[name] = None
            else:
                self._faults.add(entry.name, _not_known(name, error))
            return ""
        if value is None:
            self._missing.setdefault(name, []).append(entry.name)
            return ""
        finding = _not_text(name, value) if name == REGISTRY else _not_a_path(name, value)
        if finding is None:
            return plain(value).strip()
        self._faults.add(entry.name, finding)
        return ""


def _not_known(name: str, error: NotKnown) -> Finding:
    return Finding(BAD_TEMPLATE, name, None, f"{name} cannot be worked out: {error}", CORRECT)


def _not_text(name: str, value: Any) -> Finding | None:
    if isinstance(value, str):
        return None
    what = f"{name} is {described(value)}, not text"
    return Finding(BAD_VALUE, name, value, what, "write it as text")


def _not_a_path(name: str, value: Any) -> Finding | None:
    finding = _not_text(name, value)
    if finding is not None:
        return finding
    try:
        _path(plain(value).strip())
    except RuntimeError:
        what = f"{name} is {described(value)}, and this machine knows no such user"
        return Finding(BAD_VALUE, name, value, what, "write the path without ~")
    return None


def _path(text: str) -> Path:
    """A path as the playbooks take it: from their folder on, if it is relative."""
    return PLAYBOOKS / Path(text).expanduser()


def _most(values: Counter[str]) -> str | None:
    return values.most_common(1)[0][0] if values else None
