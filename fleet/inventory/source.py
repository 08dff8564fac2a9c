"""An inventory as Ansible's own code reads it: hosts, and their variables as site.yml sees them."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from ansible.errors import AnsibleError
from ansible.inventory.host import Host
from ansible.inventory.manager import InventoryManager
from ansible.plugins.loader import init_plugin_loader
from ansible.utils.collection_loader import AnsibleCollectionConfig
from ansible.utils.vars import combine_vars
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager
from ansible.vars.plugins import get_vars_from_inventory_sources, get_vars_from_path

from fleet.errors import FleetError
from fleet.inventory import places
from fleet.inventory.environment import PLAYBOOKS
from fleet.inventory.quiet import quiet
from fleet.inventory.templates import Templates
from fleet.inventory.vault import Loader
from fleet.plan.values import plain
from fleet.spec import Place, Problem

#: How long a program of an inventory may take, in seconds.
PATIENCE = 300.0

_RULE = "inventory-unreadable"
_MEND = "see what Ansible says: ansible-inventory -i INVENTORY --list"


@dataclass(frozen=True, slots=True)
class Entry:
    """A host of the inventory.

    Attributes
    ----------
    name : str
        Its name.
    groups : tuple of str
        The groups that it is in, `all` among them.
    own, variables : mapping
        Its own variables, and all, raw: those of groups and files with them.
    """

    name: str
    groups: tuple[str, ...]
    own: Mapping[str, Any]
    variables: Mapping[str, Any]


class Source:
    """An inventory that was read.

    Parameters
    ----------
    path : Path
        File or folder.
    patience : float
        Seconds that its programs may take.

    Attributes
    ----------
    problems : list of Problem
        The parts of it that Ansible cannot read.
    notes : list of str
        What was left out.

    Raises
    ------
    FleetError
        Ansible cannot read it at all.
    """

    def __init__(self, path: Path, *, patience: float = PATIENCE) -> None:
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self._path = Path(os.path.abspath(path))
        if AnsibleCollectionConfig.collection_finder is None:
            init_plugin_loader()
        self._groups: dict[tuple[int, ...], tuple[tuple[str, ...], Mapping[str, Any]]] = {}
        try:
            with _bounded(patience) as stopped:
                self._loader = Loader(self.notes)
                # As for site.yml: what is beside the playbooks counts.
                self._loader.set_basedir(str(PLAYBOOKS))
                self._manager = _Manager(self._loader, str(self._path))
                self._variables = VariableManager(loader=self._loader, inventory=self._manager)
        except AnsibleError as error:
            raise FleetError(
                f"the inventory cannot be read: {_said(error)}",
                where=places.shown(self._path),
                mend=_MEND,
            ) from None
        for file, said in self._manager.failures.items():
            if stopped:
                said = f"it did not end in {patience:g} s"
            what = f"Ansible cannot read it: {said}"
            self.problems.append(Problem(_RULE, what, place=Place(places.shown(file)), mend=_MEND))
        self._templates = Templates(self._loader)
        self._hostvars: HostVars | None = None
        self._lines = places.HostLines()

    @property
    def group_names(self) -> list[str]:
        """Names of its groups, but for the two that every inventory has."""
        return [plain(name) for name in self._manager.groups if name not in ("all", "ungrouped")]

    @property
    def shown(self) -> str:
        """Its path as people see it."""
        return places.shown(self._path)

    def hosts_of(self, group: str) -> set[str]:
        """Names of the hosts in a group, and in the groups below it."""
        return {plain(host.name) for host in self._manager.groups[group].get_hosts()}

    def place_of_group(self, name: str) -> Place:
        """Where a group is first named."""
        found = places.of_value(self._manager.groups[name].name)
        files = [source for source in self._manager.read if os.path.isfile(source)]
        lines = (self._lines.place(f"[{name}", file) for file in files)
        found = found or next((place for place in lines if place and place.line), None)
        return found or Place(self.shown)

    def __iter__(self) -> Iterator[Entry]:
        """Its hosts, in order.

        Raises
        ------
        FleetError
            A file of variables cannot be read.
        """
        for host in self._manager.get_hosts("all"):
            yield self._entry(host)

    def place_of(self, name: str, variable: str = "", part: Any = None) -> Place:
        """Where a host stands, or a variable of it, or a part of that."""
        host = self._manager.hosts[name]
        found = None
        if variable:
            found = places.of_value(part) or places.of_variable(host.vars, variable)
            found = found or places.of_variable(self._entry(host).variables, variable)
        if found is None:
            found = self._lines.place(host.name, host.vars.get("inventory_file"))
        return found or Place(places.shown(self._path))

    def value(self, entry: Entry, variable: str) -> Any:
        """A variable of a host, with its template worked out.

        Raises
        ------
        NotKnown
            That is not possible.
        """
        value = entry.variables.get(variable)
        return self._templates.render(
            value, entry.variables, lambda: self._as_in_a_playbook(entry.name)
        )

    def _entry(self, host: Host) -> Entry:
        try:
            names, shared = self._of_groups(host)
            own = combine_vars(host.get_vars(), self._of_files(host))
        except AnsibleError as error:
            raise FleetError(
                f"variables of the host {host.name} cannot be read: {_said(error)}",
                where=places.shown(self._path),
                mend=_MEND,
            ) from None
        return Entry(plain(host.name), names, own, combine_vars(shared, own))

    def _of_groups(self, host: Host) -> tuple[tuple[str, ...], Mapping[str, Any]]:
        """Names of a host's groups, and what they give it: the same for all hosts in just these."""
        groups = host.get_groups()
        key = tuple(map(id, groups))
        if key not in self._groups:
            # A host that has nothing of its own gets from Ansible what its groups give.
            nobody = Host("_", gen_uuid=True)
            nobody.groups = list(groups)
            names = tuple(plain(group.name) for group in groups)
            shared = self._variables.get_vars(host=nobody, include_hostvars=False)
            self._groups[key] = (names, shared)
        return self._groups[key]

    def _of_files(self, host: Host) -> Mapping[str, Any]:
        """What files for the host give it, beside the inventory and beside the playbooks."""
        beside = get_vars_from_inventory_sources(
            self._loader, self._manager.sources, [host], "task"
        )
        playbooks = get_vars_from_path(self._loader, str(PLAYBOOKS), [host], "task")
        return combine_vars(beside, playbooks) if playbooks else beside

    def _as_in_a_playbook(self, name: str) -> dict[str, Any]:
        if self._hostvars is None:
            # It makes itself known to the manager of variables.
            self._hostvars = HostVars(self._manager, self._variables, self._loader)
        return self._variables.get_vars(host=self._manager.hosts[name])


class _Manager(InventoryManager):
    """Ansible's reader, that remembers which files no plugin could read, and why."""

    def __init__(self, loader: Loader, path: str) -> None:
        self.failures: dict[str, str] = {}
        self.read: list[str] = []
        self.sources = [path]
        super().__init__(loader=loader, sources=self.sources)

    def parse_source(self, source: str, cache: bool = False) -> bool:
        """Read a file or a folder; whether anything of it could be read."""
        with quiet() as messages:
            parsed = super().parse_source(source, cache=cache)
        if parsed:
            self.read.append(source)
        elif not os.path.isdir(source):
            said = [line for line in messages.warnings() if line.startswith("Failed to parse")]
            self.failures[source] = "; ".join(said) or "none of its plugins knows the format"
        return parsed


@contextlib.contextmanager
def _bounded(seconds: float) -> Iterator[list[int]]:
    """End the programs that Ansible starts meanwhile when they take too long; give their ids."""
    this = psutil.Process()
    before = set(this.children(recursive=True))
    stopped: list[int] = []

    def stop() -> None:
        for child in set(this.children(recursive=True)) - before:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
                stopped.append(child.pid)

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        yield stopped
    finally:
        timer.cancel()


def _said(error: AnsibleError) -> str:
    return " ".join(str(error).split())
