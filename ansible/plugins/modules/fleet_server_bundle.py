#!/usr/bin/python
"""Ansible module for the control machine: the embedded server as one file. It calls `fleet`."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from fleet import bundle
from fleet.errors import FleetError

DOCUMENTATION = r"""
---
module: fleet_server_bundle
short_description: Write the embedded server as one file that nodes run
description:
  - Holds this repository's server and the packages that it needs, each file compared with the
    hash that it was installed with. The same code gives the same bytes.
options:
  path:
    description: The file.
    type: path
    required: true
attributes:
  check_mode: {support: full}
author:
  - The authors of clearml-fleet
"""

EXAMPLES = r"""
- name: Ensure the server is one file
  fleet_server_bundle:
    path: .fleet/server.pyz
  delegate_to: localhost
"""

RETURN = r"""
path:
  description: The file.
  type: str
  returned: always
"""


def main():
    """Run as Ansible runs modules."""
    module = AnsibleModule(
        argument_spec={"path": {"type": "path", "required": True}}, supports_check_mode=True
    )
    path = module.params["path"]
    try:
        # A dry run, too: it is compared with what the node has. It is no state of any machine.
        bundle.write(Path(path))
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, path=path)


if __name__ == "__main__":
    main()
