#!/usr/bin/python
"""Ansible module: take away credentials of node groups that a machine is no longer in."""

from __future__ import annotations

import glob
import os

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: agent_leftovers
short_description: Take away the credentials of agents that are gone
description:
  - Removes the configurations of node groups that are not named, and the copies that their agents
    made for their tasks. What else is in the data folders is kept.
  - The agents of these groups must be gone already.
options:
  config_directory:
    description: Where C(GROUP.clearml.conf) lies.
    type: path
    required: true
  data_directory:
    description: Where each group has a folder.
    type: path
    required: true
  groups:
    description: The node groups whose agents may run; nothing of theirs is touched.
    type: list
    elements: str
    required: true
attributes:
  check_mode: {support: full}
author:
  - The authors of clearml-fleet
"""

EXAMPLES = r"""
- name: Ensure no credentials of other groups are there
  agent_leftovers:
    config_directory: /etc/fleet
    data_directory: /var/lib/fleet/agent
    groups: [cpu_nodes]
"""

RETURN = r"""
removed:
  description: Files that were removed (in check mode, would be).
  type: list
  elements: str
  returned: success
"""

# The suffix also takes the one file of older versions, clearml.conf.
_CONFIGURATION = "*clearml.conf"
# The agent copies its configuration there for the container of a task.
_COPY = ".clearml_agent.*.cfg"


def find_leftovers(config_directory, data_directory, groups):
    """Files with credentials of none of the groups.

    Parameters
    ----------
    config_directory, data_directory : str
        Where.
    groups : list of str
        Whose files are not leftovers.

    Returns
    -------
    list of str
        Paths, in order.
    """
    kept = {f"{group}.clearml.conf" for group in groups}
    # Older versions had one folder for all groups: the data directory itself.
    copies = [_COPY, os.path.join("*", _COPY)]
    return [
        path
        for path in _matches(config_directory, [_CONFIGURATION])
        if os.path.basename(path) not in kept
    ] + [
        path
        for path in _matches(data_directory, copies)
        if os.path.relpath(os.path.dirname(path), data_directory) not in groups
    ]


def remove(paths):
    """Remove files; one that is gone already is no error."""
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue


def _matches(directory, patterns):
    inside = glob.escape(directory)
    found = {path for pattern in patterns for path in glob.glob(os.path.join(inside, pattern))}
    return sorted(path for path in found if os.path.isfile(path) or os.path.islink(path))


def main():
    """Run as Ansible runs modules."""
    module = AnsibleModule(
        argument_spec={
            "config_directory": {"type": "path", "required": True},
            "data_directory": {"type": "path", "required": True},
            "groups": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    leftovers = find_leftovers(**module.params)
    try:
        if not module.check_mode:
            remove(leftovers)
    except OSError as error:
        module.fail_json(
            msg=f"{error.filename}, which holds credentials of agents that are gone, cannot be "
            f"removed: {error.strerror}; fix: remove it on the machine"
        )
    module.exit_json(changed=bool(leftovers), removed=leftovers)


if __name__ == "__main__":
    main()
