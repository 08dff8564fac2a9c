"""Inventories: read by Ansible's own code, so that INI, YAML, scripts and plugins all work."""

from fleet.inventory.declared import read_declared
from fleet.inventory.inspection import Declared, inspect, inspect_declared
from fleet.inventory.model import UNREADABLE, Inspection, Inventory, Paths
from fleet.inventory.reading import read_inventory, read_nodes

__all__ = [
    "UNREADABLE",
    "Declared",
    "Inspection",
    "Inventory",
    "Paths",
    "inspect",
    "inspect_declared",
    "read_declared",
    "read_inventory",
    "read_nodes",
]
