#!/usr/bin/python
"""Ansible module: the folders and configurations of a node's agents, group by group."""

from __future__ import annotations

import os
import tempfile

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: agent_files
short_description: Lay down the folders and configurations of a node's agents
description:
  - Each node group has a configuration and a data folder of its own, so that the tasks of one
    group read neither the credentials nor the cached data of another.
  - Nothing is removed; C(agent_leftovers) does that when the agents of other groups are gone.
options:
  config_directory:
    description: Where C(GROUP.clearml.conf) lies, mode 0600.
    type: path
    required: true
  data_directory:
    description: Where each group has a folder, mode 0700.
    type: path
    required: true
  configurations:
    description: Node group to the text of its configuration.
    type: dict
    required: true
attributes:
  check_mode: {support: full}
author:
  - The authors of clearml-fleet
"""

EXAMPLES = r"""
- name: Ensure the agents are configured
  agent_files:
    config_directory: /etc/fleet
    data_directory: /var/lib/fleet/agent
    configurations: {cpu_nodes: "api { … }"}
"""

RETURN = r"""
written:
  description: Files that were written (in check mode, would be).
  type: list
  elements: str
  returned: always
docker:
  description: Whether Docker is there, which a dry run of a bare node has not installed.
  type: bool
  returned: always
folders:
  description: Folders that were made or whose mode was set (in check mode, would be).
  type: list
  elements: str
  returned: always
"""

SUFFIX = "clearml.conf"
DOCKER = "/usr/bin/docker"


def lay_down(config_directory, data_directory, configurations, dry_run):
    """Bring folders and files to what they should be.

    Parameters
    ----------
    config_directory, data_directory : str
        Where.
    configurations : dict of str to str
        Node group → text.
    dry_run : bool
        Whether to look only.

    Returns
    -------
    dict
        `folders` and `written`: what was not as it should be.
    """
    wanted = {
        os.path.join(config_directory, f"{group}.{SUFFIX}"): text
        for group, text in configurations.items()
    }
    folders = [(config_directory, 0o755), (data_directory, 0o700)]
    folders += [(os.path.join(data_directory, group), 0o700) for group in configurations]
    changed = {
        "folders": [path for path, mode in folders if not _is_folder(path, mode)],
        "written": [path for path, text in wanted.items() if not _holds(path, text)],
    }
    if dry_run:
        return changed
    for path, mode in folders:
        if path in changed["folders"]:
            os.makedirs(path, exist_ok=True)
            os.chown(path, os.geteuid(), os.getegid())
            os.chmod(path, mode)
    for path in changed["written"]:
        _write(path, wanted[path])
    return changed


def _is_folder(path, mode):
    if not os.path.isdir(path):
        return False
    found = os.stat(path)
    return found.st_mode & 0o7777 == mode and found.st_uid == os.geteuid()


def _holds(path, text):
    if not os.path.isfile(path):
        return False
    found = os.stat(path)
    if found.st_mode & 0o7777 != 0o600 or found.st_uid != os.geteuid():
        return False
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read() == text


def _write(path, text):
    """Write whole or not at all; nobody but the owner reads it at any moment."""
    descriptor, draft = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".fleet-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def main():
    """Run as Ansible runs modules."""
    module = AnsibleModule(
        argument_spec={
            "config_directory": {"type": "path", "required": True},
            "data_directory": {"type": "path", "required": True},
            "configurations": {"type": "dict", "required": True, "no_log": True},
        },
        supports_check_mode=True,
    )
    try:
        changed = lay_down(**module.params, dry_run=module.check_mode)
    except OSError as error:
        module.fail_json(
            msg=f"{error.filename or 'a folder of the agents'}: {error.strerror}; fix: see that it "
            "is no file where a folder should be, that its disk is not full and can be written, or "
            "set clearml_agent_config_directory or clearml_agent_data_directory otherwise"
        )
    there = os.path.exists(DOCKER)
    module.exit_json(changed=any(changed.values()), docker=there, **changed)


if __name__ == "__main__":
    main()
