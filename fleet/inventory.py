"""An inventory's nodes, read by Ansible's own inventory code: INI, YAML and scripts all work."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Container
from pathlib import Path

from fleet.errors import FleetError
from fleet.plan import Node, node_from_variables


def read_nodes(inventory: Path, groups: Container[str]) -> list[Node]:
    """The hosts that are in any of the given groups, in the inventory's order.

    Parameters
    ----------
    inventory : path
        File or folder.
    groups : container of str
        Names of node groups.

    Raises
    ------
    FleetError
        Ansible cannot read it, a variable does not fit, or no host is in any of the groups.
    """
    _have_room_for_ansible()
    # Imported late: Ansible makes a folder for itself when it is imported.
    from ansible.errors import AnsibleError
    from ansible.inventory.manager import InventoryManager
    from ansible.parsing.dataloader import DataLoader
    from ansible.vars.manager import VariableManager

    try:
        loader = DataLoader()
        manager = InventoryManager(loader=loader, sources=[str(inventory)])
        variables = VariableManager(loader=loader, inventory=manager)
    except AnsibleError as error:
        raise FleetError(
            f"the inventory cannot be read: {error.message}",
            where=str(inventory),
            mend="see: ansible-inventory -i INVENTORY --list",
        ) from error
    nodes = []
    for host in manager.get_hosts("all"):
        names = [group.name for group in host.get_groups()]
        if any(name in groups for name in names):
            # With the variables of its groups, as a playbook sees them.
            given = variables.get_vars(host=host, include_hostvars=False)
            nodes.append(node_from_variables(host.name, names, given))
    if not nodes:
        raise FleetError(
            "no host is in any node group of queues.yml",
            where=str(inventory),
            mend="put hosts into groups that are named as the node groups are",
        )
    return nodes


def _have_room_for_ansible() -> None:
    """Let a user without a home read an inventory too: Ansible would make a folder there."""
    if not os.access(Path.home(), os.W_OK):
        os.environ.setdefault("ANSIBLE_LOCAL_TEMP", tempfile.gettempdir())
