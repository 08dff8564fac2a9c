"""Inventories: read by Ansible's own code, so that INI, YAML, scripts and plugins all work."""

from fleet.inventory.declared import read_declared
from fleet.inventory.inspection import inspect
from fleet.inventory.model import Inspection, Inventory
from fleet.inventory.reading import read_inventory, read_nodes

__all__ = ["Inspection", "Inventory", "inspect", "read_declared", "read_inventory", "read_nodes"]
