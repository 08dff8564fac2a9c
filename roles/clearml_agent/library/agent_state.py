#!/usr/bin/python
"""Ansible module: what the agents of a node do now."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_engine import Engine, EngineError
from ansible.module_utils.fleet_slots import agents, states
from ansible.module_utils.fleet_wishes import read_wish

DOCUMENTATION = r"""
---
module: agent_state
short_description: Tell what the agents of a node do now
description:
  - Asks every agent of the node in one connection. Changes nothing.
options:
  project:
    description: Name of the Compose project of the agents.
    type: str
    default: fleet
  wishes:
    description: The agents' folder of wishes; without it no wish is looked for.
    type: path
attributes:
  check_mode: {support: full}
author:
  - The authors of clearml-fleet
"""

EXAMPLES = r"""
- name: Read what the agents do
  agent_state:
    wishes: /etc/fleet/wishes
  register: agents
"""

RETURN = r"""
slots:
  description:
    - One entry for each agent's container, C(slot), C(container), C(worker), C(leaving), C(state),
      C(task). A state is one of C(standing-by), C(idle), C(busy), C(draining), C(drained),
      C(leaving), C(stopped) and C(unknown).
  type: list
  elements: dict
  returned: success
wish:
  description:
    - That the agents take nothing, C(reason), C(by) and C(since), as far as it can be read; none
      where nobody wishes it. Told also where Docker does not answer.
  type: dict
  returned: always
in_hand:
  description: A line for each agent that has a task, or may still take one, and what it has.
  type: list
  elements: str
  returned: success
"""

# An agent in one of these has nothing, and takes nothing.
_FREE = ("standing-by", "drained", "stopped")


def not_free(slots):
    """Lines about the agents that have a task, or may still take one."""
    return [
        f"{slot['slot']}: {slot['state']}" + (f", task {slot['task']}" if slot["task"] else "")
        for slot in slots
        if slot["state"] not in _FREE
    ]


def said(in_hand):
    """What an operator who waited for the agents is told."""
    if not in_hand:
        return "no agent has anything in hand"
    return (
        f"agents still have something in hand: {'; '.join(in_hand)}. They take nothing more where "
        "they are drained. Fix: run the playbook again when the tasks are over, let it wait longer "
        "(-e fleet_wait_for_tasks=SECONDS), or have remove-node.yml put them back in their queues "
        "(-e fleet_put_back=true)"
    )


def main():
    """Run as Ansible runs modules."""
    module = AnsibleModule(
        argument_spec={
            "project": {"type": "str", "default": "fleet"},
            "wishes": {"type": "path"},
        },
        supports_check_mode=True,
    )
    engine, wish = Engine(), None
    try:
        wish = read_wish(module.params["wishes"]) if module.params["wishes"] else None
        slots = states(agents(engine, module.params["project"])) if engine.there() else []
    except OSError as error:
        module.fail_json(
            msg=f"{error.filename}: {error.strerror}; fix: see that the "
            "disk of the machine can be read",
            wish=wish,
        )
    except EngineError as error:
        module.fail_json(msg=str(error), wish=wish)
    in_hand = not_free(slots)
    module.exit_json(changed=False, slots=slots, wish=wish, in_hand=in_hand, msg=said(in_hand))


if __name__ == "__main__":
    main()
