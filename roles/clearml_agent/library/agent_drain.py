#!/usr/bin/python
"""Ansible module: the wish that the agents of a node take nothing more."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_wishes import read_wish, wish, withdraw

DOCUMENTATION = r"""
---
module: agent_drain
short_description: Wish that the agents of a node take nothing more, or that they do again
description:
  - Writes or removes one file, which the agents look at before they take a task. They stay
    registered, and finish what they have.
options:
  directory:
    description: The agents' folder of wishes.
    type: path
    required: true
  drained:
    description: Whether they shall take nothing.
    type: bool
    default: true
  reason:
    description: Why; told by C(status) and kept with the wish.
    type: str
    default: ""
  by:
    description: Who wishes it.
    type: str
    default: ""
attributes:
  check_mode: {support: full}
author:
  - The authors of clearml-fleet
"""

EXAMPLES = r"""
- name: Ensure the agents take nothing more
  agent_drain:
    directory: /etc/fleet/wishes
    reason: a new disk
"""

RETURN = r"""
wish:
  description: The wish that was there before, C(reason), C(by) and C(since); empty without one.
  type: dict
  returned: success
"""


def main():
    """Run as Ansible runs modules."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "drained": {"type": "bool", "default": True},
            "reason": {"type": "str", "default": ""},
            "by": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    directory, found = wanted["directory"], None
    try:
        found = read_wish(directory)
        # A wish that is there keeps its reason: two who drain a node do not undo each other's word.
        changed = (found is None) if wanted["drained"] else (found is not None)
        if changed and not module.check_mode:
            if wanted["drained"]:
                wish(directory, wanted["reason"], wanted["by"])
            else:
                withdraw(directory)
    except OSError as error:
        module.fail_json(
            msg=f"{error.filename or directory}: {error.strerror}; fix: see that the disk of the "
            "machine is not full and can be written"
        )
    module.exit_json(changed=changed, wish=found or {})


if __name__ == "__main__":
    main()
