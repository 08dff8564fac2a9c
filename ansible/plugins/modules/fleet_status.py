#!/usr/bin/python
"""Tell how the agents of nodes do. It runs on the control machine and calls the package `fleet`."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_control import told

DOCUMENTATION = r"""
module: fleet_status
short_description: Tell how the agents of nodes do
description:
  - Puts what the nodes say of their agents beside what the server knows of their workers. Changes
    nothing. A server that does not answer is no failure; its part is missing then, which is told.
options:
  nodes:
    description: Node to C(plan), C(slots), C(wish) and C(error), as C(fleet_said) gives them.
    type: dict
    required: true
  config_file:
    description: A clearml.conf with the address of the server and credentials.
    type: path
    required: true
attributes:
  check_mode: {support: full}
"""

EXAMPLES = r"""
- name: Tell how the agents do
  fleet_status:
    nodes: "{{ ansible_play_hosts_all | fleet_said }}"
    config_file: ~/clearml.conf
  delegate_to: localhost
"""

RETURN = r"""
agents:
  description:
    - One entry for each slot, C(node), C(slot), C(state), C(task), C(image), C(last_heard) and
      C(drained).
  type: list
  elements: dict
  returned: success
lines:
  description: The same as a table.
  type: list
  elements: str
  returned: success
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "nodes": {"type": "dict", "required": True},
            "config_file": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    with told(module):
        from fleet.clearml_api import connect
        from fleet.condition import condition, lines
        from fleet.drift import read_workers
        from fleet.errors import FleetError

    workers, notes = {}, []
    try:
        workers = read_workers(connect(module.params["config_file"]))
    except FleetError as error:
        notes = [f"What the server knows is missing here: {error.what}"]
    agents = condition(module.params["nodes"], workers)
    module.exit_json(changed=False, agents=agents, lines=[*lines(agents), *notes])


if __name__ == "__main__":
    main()
