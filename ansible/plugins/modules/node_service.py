#!/usr/bin/python
"""Ansible module: the files and systemd units of one service of a node, in one go."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
import tempfile

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: node_service
short_description: Lay down a service's folders, files and systemd units, and have the units run
description:
  - Writes what differs, reloads systemd where a unit's file changed, restarts the units that asked
    for it where anything changed, and starts and enables those that are not.
  - With O(state=absent) it stops and disables the units, and removes the files.
options:
  state:
    description: Whether the service is there.
    type: str
    choices: [present, absent]
    default: present
  folders:
    description:
      - Folders, each with C(path), C(mode), C(owner) and C(group), these by name
        or number.
      - With O(state=absent), those that are empty then are removed.
    type: list
    elements: dict
    default: []
  files:
    description: Files, each with C(path), C(content), C(mode), C(owner) and C(group).
    type: list
    elements: dict
    default: []
  secrets:
    description: Path to content of files of mode 0600; the contents are shown nowhere.
    type: dict
    default: {}
  secrets_owner:
    description: User and group of the same name, or number, that the secrets belong to.
    type: str
    default: root
  absent:
    description: Files that are not there.
    type: list
    elements: path
    default: []
  restarted:
    description:
      - Units that run, are enabled, and are restarted when anything changed, and where a file of
        O(files), O(secrets) or O(uses) is newer than the unit's start, since a run that laid it
        down may have been cut off before the restart.
    type: list
    elements: str
    default: []
  started:
    description: Units that run and are enabled, such as timers.
    type: list
    elements: str
    default: []
  stopped:
    description: Units that neither run nor are enabled.
    type: list
    elements: str
    default: []
  uses:
    description: Files of other tasks that the restarted units read at their start.
    type: list
    elements: path
    default: []
attributes:
  check_mode: {support: full}
  diff_mode: {support: full}
author:
  - The authors of clearml-fleet
"""

EXAMPLES = r"""
- name: Ensure the registry runs
  node_service:
    files:
      - path: /etc/docker-registry/config.yml
        content: "{{ lookup('template', 'config.yml.j2') }}"
        mode: "0644"
        owner: root
        group: root
    restarted: [docker-registry.service]
"""

RETURN = r"""
written:
  description: Folders and files that were made or put right (in check mode, would be).
  type: list
  elements: str
  returned: always
removed:
  description: Files that were removed (in check mode, would be).
  type: list
  elements: str
  returned: always
units:
  description: Unit to what was done to it (in check mode, would be).
  type: dict
  returned: always
"""

UNIT_FOLDER = "/etc/systemd/system/"
FILE, FOLDER = "file", "folder"


class Failure(Exception):
    """What the operator is told."""


def differing(entries, kind):
    """Those of the folders or files that are not as they should be."""
    return [entry for entry in entries if not matches(entry, kind)]


def matches(entry, kind):
    """Whether a folder or a file is there, with its mode, owner and content."""
    path = entry["path"]
    if os.path.islink(path) or not (os.path.isdir if kind is FOLDER else os.path.isfile)(path):
        return False
    found = os.stat(path)
    if f"{found.st_mode & 0o7777:04o}" != mode_of(entry):
        return False
    if (found.st_uid, found.st_gid) != ids(entry):
        return False
    return kind is FOLDER or read(path) == entry["content"]


def read(path):
    """The text of a file; none where it is not there or is no text."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return None


def mode_of(entry):
    """The mode as four octal digits."""
    mode = str(entry["mode"])
    if not mode.isdecimal() or len(mode) != 4:
        raise Failure(f'{entry["path"]}: the mode {mode} is not written as "0644" is')
    return mode


def ids(entry):
    """User and group number; none of a user that a dry run has not made."""
    try:
        return (
            number_of(entry["owner"], lambda name: pwd.getpwnam(name).pw_uid),
            number_of(entry["group"], lambda name: grp.getgrnam(name).gr_gid),
        )
    except KeyError:
        return None


def number_of(name, look_up):
    """A user's or group's number, which may be given itself."""
    return int(name) if str(name).isdecimal() else look_up(name)


def make(entry):
    """Make a folder, or put its mode and owner right."""
    os.makedirs(entry["path"], mode=0o700, exist_ok=True)
    own(entry, entry["path"])


def write(entry):
    """Write a file whole or not at all; nobody else reads it at any moment."""
    path = entry["path"]
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".fleet-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(entry["content"])
        own(entry, draft)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def own(entry, path):
    """Set owner, then mode: a change of owner would take special bits away."""
    numbers = ids(entry)
    if numbers is None:
        raise Failure(f"{entry['path']}: there is no user {entry['owner']}:{entry['group']}")
    os.chown(path, *numbers)
    os.chmod(path, int(mode_of(entry), 8))


def systemctl(*arguments, check=True):
    """Run systemctl; what it printed."""
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode:
        unit = arguments[-1]
        raise Failure(
            f"systemctl {' '.join(arguments)}: {(done.stderr or done.stdout).strip()}; "
            f"fix: see `journalctl -u {unit}` on the node"
        )
    return done.stdout.strip()


def is_older(unit, paths):
    """Whether a unit was started before one of the files was laid down, by whole seconds.

    The time of the inode's change is taken: a package's files bear the time of their build.
    """
    started = systemctl(
        "show", "--value", "--timestamp=unix", "--property=ExecMainStartTimestamp", unit
    ).removeprefix("@")
    return started.isdecimal() and any(
        int(os.stat(path).st_ctime) > int(started) for path in paths if os.path.exists(path)
    )


def units_to_run(parameters, changed, paths):
    """Unit → what it needs: `restart`, `start`, `enable`, both of the last, or nothing."""
    wanted = {}
    for unit in [*parameters["restarted"], *parameters["started"]]:
        needs = []
        if systemctl("is-active", unit, check=False) not in ("active", "activating"):
            needs.append("start")
        elif unit in parameters["restarted"] and (changed or is_older(unit, paths)):
            needs.append("restart")
        if systemctl("is-enabled", unit, check=False) != "enabled":
            needs.append("enable")
        if needs:
            wanted[unit] = " ".join(needs)
    return wanted


def units_to_stop(units):
    """Unit → `stop`, of those that run or are enabled."""
    return {
        unit: "stop"
        for unit in units
        if systemctl("is-active", unit, check=False) in ("active", "activating", "failed")
        or systemctl("is-enabled", unit, check=False) == "enabled"
    }


def bring_about(parameters, dry_run):
    """Bring the service to what it should be; what was done, and the differences."""
    owner = parameters["secrets_owner"]
    secrets = [
        {"path": path, "content": content, "mode": "0600", "owner": owner, "group": owner}
        for path, content in parameters["secrets"].items()
    ]
    files = [*parameters["files"], *secrets]
    there = parameters["state"] == "present"
    folders = differing(parameters["folders"], FOLDER) if there else []
    written = differing(files, FILE) if there else []
    gone = parameters["absent"] if there else [entry["path"] for entry in files]
    removed = [path for path in gone if os.path.lexists(path)]
    empty = [] if there else hollow(parameters["folders"], removed)
    stop = parameters["stopped"]
    if not there:
        stop = [*parameters["restarted"], *parameters["started"], *stop]
    stopping = units_to_stop(stop)
    changed = bool(folders or written or removed)
    differences = [difference(entry) for entry in written if entry not in secrets] + [
        {"before_header": path, "before": f"{path}\n", "after": ""} for path in removed
    ]
    if not dry_run:
        for unit in stopping:
            systemctl("disable", "--now", unit, check=False)
        for entry in folders:
            make(entry)
        for entry in written:
            write(entry)
        for path in removed:
            remove(path)
        for path in empty:
            os.rmdir(path)
        touched = [*(entry["path"] for entry in written), *removed]
        if any(path.startswith(UNIT_FOLDER) for path in touched):
            systemctl("daemon-reload")
        for unit in stopping:
            systemctl("reset-failed", unit, check=False)
    read_at_start = [*(entry["path"] for entry in files), *parameters["uses"]]
    running = units_to_run(parameters, changed, read_at_start) if there else {}
    if not dry_run:
        for unit, needs in running.items():
            # systemd limits starts, for units that crash: refused, Docker would stay down.
            systemctl("reset-failed", unit, check=False)
            for verb in needs.split():
                systemctl(verb, unit)
    return {
        "written": [entry["path"] for entry in [*folders, *written]],
        "removed": [*removed, *empty],
        "units": {**stopping, **running},
    }, differences


def remove(path):
    """Remove a file, and its folder where it is a unit's own and empty now."""
    os.unlink(path)
    folder = os.path.dirname(path)
    if folder.endswith(".d") and not os.listdir(folder):
        shutil.rmtree(folder)


def hollow(folders, removed):
    """The folders that hold nothing but what is removed, the inner ones first."""
    gone = list(removed)
    for path in sorted((entry["path"] for entry in folders), key=len, reverse=True):
        if os.path.isdir(path) and not os.path.islink(path):
            inside = (os.path.join(path, name) for name in os.listdir(path))
            if all(one in gone for one in inside):
                gone.append(path)
    return gone[len(removed) :]


def difference(entry):
    """What a file says and shall say, as Ansible shows it."""
    before = read(entry["path"])
    return {
        "before_header": entry["path"],
        "after_header": entry["path"],
        "before": before or "",
        "after": entry["content"],
    }


def main():
    """Run as Ansible runs modules."""
    entries = {"type": "list", "elements": "dict", "default": []}
    units = {"type": "list", "elements": "str", "default": []}
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "folders": entries,
            "files": entries,
            "secrets": {"type": "dict", "default": {}, "no_log": True},
            "secrets_owner": {"type": "str", "default": "root"},
            "absent": {"type": "list", "elements": "path", "default": []},
            "restarted": units,
            "started": units,
            "stopped": units,
            "uses": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        done, differences = bring_about(module.params, module.check_mode)
    except Failure as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(
            msg=f"{error.filename or 'a file of the service'}: {error.strerror}; fix: see that its "
            "disk is not full and can be written, and that no file is where a folder should be"
        )
    module.exit_json(changed=any(done.values()), diff=differences, **done)


if __name__ == "__main__":
    main()
