#!/usr/bin/python
"""Keep what was found of GPUs. It runs on the control machine and calls the package `fleet`."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_control import told

DOCUMENTATION = r"""
module: fleet_found
short_description: Keep on the control machine what was found of the nodes' GPUs
description:
  - C(fleet plan) and C(fleet explain) read it where the inventory does not tell of a node's GPUs.
options:
  hosts:
    description: Host to its C(inventory_dir), and to C(gpus), what its driver listed.
    type: dict
    required: true
attributes:
  check_mode: {support: full}
"""

EXAMPLES = r"""
- name: Ensure what was found of GPUs is kept
  fleet_found:
    hosts:
      gpu-1:
        inventory_dir: /srv/fleet/inventories/mysite
        gpus: {gpus: 1, mig: {"0": [3g.40gb, 3g.40gb]}}
  delegate_to: localhost
"""

RETURN = r"""
kept:
  description: Hosts of which something else or nothing was known.
  type: list
  elements: str
  returned: success
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"hosts": {"type": "dict", "required": True}}, supports_check_mode=True
    )
    kept = []
    with told(module):
        from fleet.found import write_found

    try:
        for host, found in module.params["hosts"].items():
            folder, gpus = found["inventory_dir"], found["gpus"]
            kept += write_found(folder, {host: gpus}, dry_run=module.check_mode)
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}")
    module.exit_json(changed=bool(kept), kept=kept)


if __name__ == "__main__":
    main()
