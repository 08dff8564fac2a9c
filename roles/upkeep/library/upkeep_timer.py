#!/usr/bin/python
"""Ansible module: the files of a systemd timer, and that it runs."""

from __future__ import annotations

import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_files import lay_down, remove
from ansible.module_utils.fleet_systemd import SystemdError, must, systemctl

DOCUMENTATION = r"""
---
module: upkeep_timer
short_description: Have a systemd timer with its files, or have it gone
description:
  - Writes the files, reloads systemd where a unit changed, and sees that the timer is enabled and
    runs. With O(state=absent), the other way round.
options:
  files:
    description: Files, each with C(path), C(text) and C(mode).
    type: list
    elements: dict
    required: true
  timer:
    description: Name of the timer.
    type: str
    required: true
  state_directory:
    description: A folder for what the timer's service remembers.
    type: path
    required: true
  state_file:
    description: What it remembers there; it goes with O(state=absent).
    type: path
  state:
    description: Whether it shall be there.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode: {support: full}
author:
  - The authors of clearml-fleet
"""

EXAMPLES = r"""
- name: Ensure the disk is kept from filling
  upkeep_timer:
    files: [{path: /etc/systemd/system/x.timer, mode: "0644", text: "[Timer] …"}]
    timer: x.timer
    state_directory: /var/lib/fleet
"""

RETURN = r"""
written:
  description: Files that were written (in check mode, would be).
  type: list
  elements: str
  returned: success
removed:
  description: Files that were removed (in check mode, would be).
  type: list
  elements: str
  returned: success
"""


def files_of(wanted):
    """Path → text and mode."""
    return {file["path"]: (file["text"], int(file["mode"], 8)) for file in wanted["files"]}


def folders_of(wanted):
    """Path → mode of the folders of the files, and of what is remembered."""
    folders = [os.path.dirname(path) for path in files_of(wanted) if not _is_the_systems(path)]
    return dict.fromkeys([wanted["state_directory"], *folders], 0o755)


def install(wanted, dry_run):
    """Have the timer; what was done."""
    changed = lay_down(folders_of(wanted), files_of(wanted), dry_run)
    anew = any("/systemd/" in path for path in changed["written"])
    runs = systemctl("is-enabled", wanted["timer"]) == systemctl("is-active", wanted["timer"]) == 0
    if not dry_run:
        if anew:
            must("daemon-reload")
        if not runs:
            must("enable", "--now", wanted["timer"])
        elif anew:
            must("restart", wanted["timer"])
    return {
        "changed": bool(changed["written"] or changed["folders"] or not runs),
        "written": changed["written"],
        "removed": [],
    }


def uninstall(wanted, dry_run):
    """Have it gone; what was done."""
    paths = [*(file["path"] for file in wanted["files"]), wanted["state_file"] or ""]
    there = [path for path in paths if os.path.exists(path)]
    if there and not dry_run:
        if any(path.endswith(wanted["timer"]) for path in there):
            must("disable", "--now", wanted["timer"])
        remove(there)
        must("daemon-reload")
        for path in [*there, os.path.join(wanted["state_directory"], "")]:
            _remove_empty(os.path.dirname(path))
    return {"changed": bool(there), "written": [], "removed": there}


def _is_the_systems(path):
    return path.startswith("/etc/systemd/")


def _remove_empty(folder):
    """Remove a folder that nothing is left in; others of the fleet may use it."""
    if _is_the_systems(f"{folder}/"):
        return
    try:
        os.rmdir(folder)
    except OSError:
        return


def main():
    """Run as Ansible runs modules."""
    module = AnsibleModule(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "required": True},
            "timer": {"type": "str", "required": True},
            "state_directory": {"type": "path", "required": True},
            "state_file": {"type": "path"},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    act = install if module.params["state"] == "present" else uninstall
    try:
        said = act(module.params, module.check_mode)
    except OSError as error:
        module.fail_json(
            msg=f"{error.filename or 'a file of the timer'}: {error.strerror}; fix: see that the "
            "disk of the machine is not full and can be written"
        )
    except SystemdError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**said)


if __name__ == "__main__":
    main()
