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

from fleet.inventory import places
from fleet.inventory.environment import PLAYBOOKS
from fleet.inventory.model import UNREADABLE, shown
from fleet.inventory.said import (
    MEND,
    Said,
    listening,
    place_of,
    problems_and_notes,
    reason,
    unreadable,
)
from fleet.inventory.templates import Templates
from fleet.inventory.vault import Loader
from fleet.plan.values import plain
from fleet.spec import Place, Problem

#: How long a program of an inventory may take, in seconds.
PATIENCE = 300.0


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
    paths : Path
        Files and folders; as for Ansible, the later ones go before the earlier ones.
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
    Problem
        Ansible cannot read it at all.
    """

    def __init__(self, *paths: Path, patience: float = PATIENCE) -> None:
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self._paths = [os.path.abspath(path) for path in paths]
        if AnsibleCollectionConfig.collection_finder is None:
            init_plugin_loader()
        self._groups: dict[tuple[int, ...], tuple[tuple[str, ...], Mapping[str, Any]]] = {}
        self._lines = places.HostLines()
        with listening() as said:
            try:
                with _bounded(patience) as stopped:
                    self._loader = Loader(self.notes)
                    # As for site.yml: what is beside the playbooks counts.
                    self._loader.set_basedir(str(PLAYBOOKS))
                    self._manager = _Manager(self._loader, self._paths, said)
                    self._variables = VariableManager(loader=self._loader, inventory=self._manager)
            except AnsibleError as error:
                raise self._error("the inventory", error) from None
        for file, of_file in self._manager.failures.items():
            if stopped:
                text = f"its programs did not end in {patience:g} s, and were stopped"
                place = Place(shown(file))
                self.problems.append(Problem(UNREADABLE, text, place=place, mend=MEND))
            else:
                self.problems.append(unreadable(file, of_file, self._lines))
        self.hear(said)
        self._templates = Templates(self._loader)
        self._hostvars: HostVars | None = None

    @property
    def group_names(self) -> list[str]:
        """Names of its groups, but for the two that every inventory has."""
        return [plain(name) for name in self._manager.groups if name not in ("all", "ungrouped")]

    @property
    def shown(self) -> str:
        """Its path as people see it; of several, the first."""
        return shown(self._paths[0])

    @property
    def left_out(self) -> bool:
        """Whether a file of variables is encrypted, so that what is not defined may be there."""
        return bool(self._loader.left_out)

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
        Problem
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
        return found or Place(self.shown)

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

    def hear(self, said: list[Said]) -> None:
        """Take what Ansible said as problems and notes."""
        problems, notes = problems_and_notes(said, self._paths[0], self._manager.read, self._lines)
        self.problems += problems
        self.notes += notes

    def _error(self, what: str, error: AnsibleError) -> Problem:
        place = place_of(error) or Place(self.shown)
        text = f"{what} cannot be read: {reason(error)}"
        return Problem(UNREADABLE, text, place=place, mend=MEND)

    def _entry(self, host: Host) -> Entry:
        try:
            names, shared = self._of_groups(host)
            own = combine_vars(host.get_vars(), self._of_files(host))
        except AnsibleError as error:
            raise self._error(f"variables of the host {host.name}", error) from None
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

    def __init__(self, loader: Loader, paths: list[str], said: list[Said]) -> None:
        self.failures: dict[str, list[Said]] = {}
        self.read: list[str] = []
        self.sources = paths
        self._said = said
        super().__init__(loader=loader, sources=self.sources)

    def parse_source(self, source: str, cache: bool = False) -> bool:
        """Read a file or a folder; whether anything of it could be read."""
        before = len(self._said)
        parsed = super().parse_source(source, cache=cache)
        if os.path.isdir(source):
            return parsed
        if parsed:
            self.read.append(source)
        else:
            self.failures[source] = self._said[before:]
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
