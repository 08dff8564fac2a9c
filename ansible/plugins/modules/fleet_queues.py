#!/usr/bin/python
"""Declare ClearML queues. It runs on the control machine and calls the package `fleet`."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: fleet_queues
short_description: Ensure that ClearML queues exist
description:
  - Creates the queues that the server does not have yet. It never removes one.
options:
  names:
    description: Names of the queues.
    type: list
    elements: str
    required: true
  config_file:
    description: A clearml.conf with the address of the server and credentials.
    type: path
    required: true
attributes:
  check_mode: {support: full}
"""

EXAMPLES = r"""
- name: Ensure the queues exist
  fleet_queues:
    names: [services, cpu-train]
    config_file: /etc/fleet/clearml.conf
  delegate_to: localhost
"""

RETURN = r"""
created:
  description: Names of the queues that were created (in check mode, would be).
  type: list
  elements: str
  returned: success
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "config_file": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    # Imported here so that a missing package is told as Ansible tells its errors.
    try:
        from fleet.clearml_api import connect
        from fleet.errors import FleetError
        from fleet.queues import ensure_queues
    except ImportError as error:
        module.fail_json(
            msg=f"{error}. Run Ansible from the repository's .venv (`make venv` creates it)."
        )
    try:
        api = connect(module.params["config_file"])
        created = ensure_queues(api, module.params["names"], dry_run=module.check_mode)
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(created), created=created)


if __name__ == "__main__":
    main()
