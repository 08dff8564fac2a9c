#!/usr/bin/python
"""Make and read smoke tasks. It runs on the control machine and calls the package `fleet`."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_control import told

DOCUMENTATION = r"""
module: fleet_smoke
short_description: Make the small tasks that prove slots, and tell what came of them
description:
  - With O(state=present), makes a task for each slot and removes old ones. No queue has them.
  - With O(state=read), tells what came of tasks that were handed to their agents.
options:
  slots:
    description: Host to those of its slots that are to be proven, as the plan has them.
    type: dict
    required: true
  config_file:
    description: A clearml.conf with the address of the server and credentials.
    type: path
    required: true
  state:
    description: What is done.
    type: str
    choices: [present, read]
    default: present
  repository:
    description: URL that agents clone the step code from; O(state=present) needs it.
    type: str
    default: ""
  local_fleet:
    description: Name of the local fleet whose git remote that is, if it is one.
    type: str
    default: ""
  handed:
    description: Host to slot to what the host's module C(smoke_slots) told; for O(state=read).
    type: dict
    default: {}
  timeout:
    description: Seconds to wait for tasks that still run; for O(state=read).
    type: int
    default: 0
attributes:
  check_mode: {support: full}
"""

EXAMPLES = r"""
- name: Ensure each slot has a smoke task
  fleet_smoke:
    slots:
      cpu-1: "{{ clearml_agent_plan.slots }}"
    config_file: ~/clearml.conf
    repository: https://git.example.com/team/fleet.git
  delegate_to: localhost
"""

RETURN = r"""
tasks:
  description: Host to slot to the id of its task; empty in check mode.
  type: dict
  returned: state is present
wrong:
  description: Host to what is wrong with its slots; hosts without problems are not in it.
  type: dict
  returned: state is read
waiting:
  description: Host to slot to why it is not proven yet.
  type: dict
  returned: state is read
passed:
  description: Host to the slots that were proven.
  type: dict
  returned: state is read
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "slots": {"type": "dict", "required": True},
            "config_file": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["present", "read"], "default": "present"},
            "repository": {"type": "str", "default": ""},
            "local_fleet": {"type": "str", "default": ""},
            "handed": {"type": "dict", "default": {}},
            "timeout": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    if module.check_mode:
        module.exit_json(changed=False, tasks={}, wrong={}, waiting={}, passed={})
    with told(module):
        from fleet import smoke
        from fleet.clearml_api import connect

        api = connect(wanted["config_file"])
        if wanted["state"] == "present":
            code = smoke.smoke_code(wanted["repository"], wanted["local_fleet"])
            slots = smoke.slots_from_plans(wanted["slots"])
            tasks = smoke.create_tasks(api, slots, code)
            smoke.remove_old(api)
            module.exit_json(changed=False, tasks=tasks)
        found = smoke.prove(api, wanted["slots"], wanted["handed"], seconds=wanted["timeout"])
    for line in smoke.not_proven(found):
        module.warn(line)
    module.exit_json(changed=False, **smoke.as_data(found))


if __name__ == "__main__":
    main()
