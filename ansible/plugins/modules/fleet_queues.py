#!/usr/bin/python
"""Declare ClearML queues. It runs on the control machine and calls the package `fleet`."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_control import told

DOCUMENTATION = r"""
module: fleet_queues
short_description: Ensure that ClearML queues exist, and tell of others
description:
  - With O(state=present), creates the queues that the server does not have yet, and tells of
    others unless they are to be pruned later.
  - With O(state=exclusive), tells of queues that are not named; with O(prune), removes those of
    them that are empty and that no live agent polls. None is created then.
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
  state:
    description: What is seen to.
    type: str
    choices: [present, exclusive]
    default: present
  unmanaged:
    description: Names and patterns of queues that are none of the fleet's.
    type: list
    elements: str
    default: []
  prune:
    description: Whether queues are removed.
    type: bool
    default: false
attributes:
  check_mode: {support: full}
"""

EXAMPLES = r"""
- name: Ensure the queues exist
  fleet_queues:
    names: [services, cpu-train]
    config_file: ~/clearml.conf
  delegate_to: localhost
"""

RETURN = r"""
created:
  description: Names of the queues that were created (in check mode, would be).
  type: list
  elements: str
  returned: success
removed:
  description: Names of the queues that were removed (in check mode, would be).
  type: list
  elements: str
  returned: success
kept:
  description: Queues that are not named and still there, and why.
  type: dict
  returned: success
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "config_file": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["present", "exclusive"], "default": "present"},
            "unmanaged": {"type": "list", "elements": "str", "default": []},
            "prune": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    created, strays = [], []
    with told(module):
        from fleet.clearml_api import check_private, connect
        from fleet.prune import prune_queues
        from fleet.queues import ensure_queues

        check_private(wanted["config_file"])
        api = connect(wanted["config_file"])
        if wanted["state"] == "present":
            created = ensure_queues(api, wanted["names"], dry_run=module.check_mode)
        if wanted["state"] == "exclusive" or not wanted["prune"]:
            strays = prune_queues(
                api,
                wanted["names"],
                unmanaged=wanted["unmanaged"],
                remove=wanted["prune"],
                dry_run=module.check_mode,
            )
    removed = [stray.name for stray in strays if stray.removed]
    kept = {stray.name: stray.reason for stray in strays if not stray.removed}
    if kept:
        module.warn(_told(kept, pruning=wanted["prune"]))
    module.exit_json(changed=bool(created or removed), created=created, removed=removed, kept=kept)


def _told(kept: dict[str, str], *, pruning: bool) -> str:
    queues = "; ".join(f"{name}: {reason}" for name, reason in kept.items())
    mend = "Declare them in queues.yml, or name them there under unmanaged.queues"
    how = "." if pruning else "; with -e fleet_prune=true those that are not in use are removed."
    return f"The server has queues that queues.yml does not declare ({queues}). {mend}{how}"


if __name__ == "__main__":
    main()
