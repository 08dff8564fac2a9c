#!/usr/bin/python
"""Put back what dead nodes had in hand. It runs on the control machine and calls `fleet`."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_control import told

DOCUMENTATION = r"""
module: fleet_lost
short_description: Put tasks of nodes that are gone back in their queues
description:
  - Of tasks that run by the server's word, those whose worker is one of the nodes' and reports no
    more go back to the front of their queue, and the server forgets these workers.
  - Nothing of a worker that still reports is touched.
options:
  nodes:
    description: Names of the nodes.
    type: list
    elements: str
    required: true
  config_file:
    description: A clearml.conf with the address of the server and credentials.
    type: path
    required: true
  silent_seconds:
    description: Seconds without a report after which a worker, and a task, is lost.
    type: int
    default: 120
attributes:
  check_mode: {support: full}
"""

EXAMPLES = r"""
- name: Ensure no task waits for a node that is gone
  fleet_lost:
    nodes: [gpu-7]
    config_file: ~/clearml.conf
  delegate_to: localhost
"""

RETURN = r"""
done:
  description: Id of a task to what was done with it (in check mode, would be).
  type: dict
  returned: success
waits:
  description: Tasks that reported too lately for anything to be done.
  type: list
  elements: dict
  returned: success
alive:
  description: Workers of the nodes that still report.
  type: list
  elements: str
  returned: success
forgotten:
  description: Workers that the server was told to forget.
  type: list
  elements: str
  returned: success
lines:
  description: The same as sentences.
  type: list
  elements: str
  returned: success
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "nodes": {"type": "list", "elements": "str", "required": True},
            "config_file": {"type": "path", "required": True},
            "silent_seconds": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    with told(module):
        from fleet.clearml_api import connect
        from fleet.lost import recover

        found = recover(
            connect(wanted["config_file"]),
            wanted["nodes"],
            silent_seconds=wanted["silent_seconds"],
            dry_run=module.check_mode,
        )
    module.exit_json(changed=bool(found.done or found.forgotten), **found.as_data())


if __name__ == "__main__":
    main()
