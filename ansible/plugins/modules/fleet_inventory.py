#!/usr/bin/python
"""See that an inventory can be provisioned. It runs on the control machine, before any node."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: fleet_inventory
short_description: Tell what is wrong with an inventory, and have its machines
description:
  - Fails with all that is wrong at once. Then runs the command that has the machines, if any.
options:
  problems:
    description: What the filter C(fleet_problems) found.
    type: list
    elements: str
    required: true
  resting:
    description: Hosts that have no slots now, as the filter C(fleet_resting) gives them.
    type: list
    elements: str
    default: []
  machines_command:
    description: A command that has the machines; what it prints counts as changed.
    type: list
    elements: str
    default: []
  chdir:
    description: The folder that the command runs in.
    type: path
    required: true
attributes:
  check_mode: {support: full, details: The command does not run.}
"""

EXAMPLES = r"""
- name: Ensure the inventory is sound, and its machines are there
  fleet_inventory:
    problems: "{{ ansible_play_hosts_all | fleet_problems }}"
    chdir: "{{ playbook_dir }}/.."
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
resting:
  description: Hosts that have no slots now; the others are nodes.
  type: list
  elements: str
  returned: success
said:
  description: What the command printed.
  type: str
  returned: success
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "problems": {"type": "list", "elements": "str", "required": True},
            "resting": {"type": "list", "elements": "str", "default": []},
            "machines_command": {"type": "list", "elements": "str", "default": []},
            "chdir": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    if wanted["problems"]:
        module.fail_json(msg="\n".join(wanted["problems"]), problems=wanted["problems"])
    said = ""
    if wanted["machines_command"] and not module.check_mode:
        status, said, errors = module.run_command(wanted["machines_command"], cwd=wanted["chdir"])
        if status != 0:
            command = " ".join(wanted["machines_command"])
            module.fail_json(msg=f"The machines are not there: {errors or said} ({command})")
    module.exit_json(changed=bool(said.strip()), said=said, resting=wanted["resting"])


if __name__ == "__main__":
    main()
