#!/usr/bin/python
"""Ansible module: does a node hold what it held before?"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import subprocess

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: node_snapshot
short_description: Remember what a node holds, and compare with that
description:
  - What is looked at are files with their kind, mode, owner and content, packages and whether they
    are held, and what Docker has, if it is there.
options:
  state:
    description: V(taken) remembers, V(equal) fails where something differs from that.
    type: str
    choices: [taken, equal]
    required: true
  keeps:
    description: Regular expressions of what may differ.
    type: list
    elements: str
    default: []
  path:
    description: Where it is remembered on the node.
    type: path
    default: /run/node-snapshot.json
author:
  - The authors of clearml-fleet
"""

EXAMPLES = r"""
- name: Ensure the node holds what it held before
  node_snapshot:
    state: equal
    keeps: ['file /etc/group']
"""

RETURN = r"""
differences:
  description: What differs, a line each.
  type: list
  elements: str
  returned: always
  sample: ["+ file /etc/docker/daemon.json"]
"""

#: Whole trees, and folders of which the entries alone are looked at.
_TREES = ("/etc", "/opt", "/root", "/srv", "/usr/local")
_FOLDERS = ("/", "/var", "/var/lib", "/var/cache", "/run/systemd/system")
#: What changes by itself, or whenever apt does anything.
_OWN_LIFE = re.compile(
    r"/(etc/(\.pwd\.lock|\.updated|mtab|resolv\.conf|ld\.so\.cache)|root/\.(ansible|ssh|cache)"
    r"|var/lib/(apt|dpkg|systemd|dbus|private|logrotate|misc|man-db)|var/cache|(tmp|run|proc|sys|dev))(/.*)?"
)
_DOCKER = {
    "container": ("ps", "--all", "--no-trunc", "--format", "{{.Names}} {{.Image}} {{.State}}"),
    "network": ("network", "ls", "--format", "{{.Name}} {{.Driver}}"),
    "volume": ("volume", "ls", "--format", "{{.Name}}"),
    "image": ("image", "ls", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"),
}


def take():
    """What the node holds: a name of each thing, and what it is like."""
    return {**_files(), **_packages(), **_docker()}


def compare(before, now, keeps):
    """What differs, a line for each thing; `keeps` match names of things in whole."""
    kept = [re.compile(pattern) for pattern in keeps]
    lines = []
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) == now.get(name) or any(one.fullmatch(name) for one in kept):
            continue
        if name not in before:
            lines.append(f"+ {name} {now[name]}")
        elif name not in now:
            lines.append(f"- {name} {before[name]}")
        else:
            lines.append(f"~ {name} {before[name]} -> {now[name]}")
    return lines


def _files():
    found = {}
    for folder in _FOLDERS:
        if os.path.isdir(folder):
            for name in os.listdir(folder):
                _file(os.path.join(folder, name), found)
    for tree in _TREES:
        for folder, folders, files in os.walk(tree):
            for name in folders + files:
                _file(os.path.join(folder, name), found)
    return found


def _file(path, found):
    if _OWN_LIFE.fullmatch(path):
        return
    try:
        about = os.lstat(path)
        kind, mode = stat.S_IFMT(about.st_mode), stat.S_IMODE(about.st_mode)
        if stat.S_ISLNK(kind):
            found[f"file {path}"] = f"link to {os.readlink(path)}"
            return
        text = f"{mode:04o} {about.st_uid}:{about.st_gid}"
        if stat.S_ISREG(kind):
            with open(path, "rb") as file:
                text += f" {hashlib.sha256(file.read()).hexdigest()[:12]}"
        found[f"file {path}"] = text
    except FileNotFoundError:
        pass


def _packages():
    form = "${binary:Package}\t${db:Status-Want} ${db:Status-Status} ${Version}\n"
    lines = _output("dpkg-query", "--show", f"--showformat={form}").splitlines()
    return {f"package {name}": text for name, _, text in (line.partition("\t") for line in lines)}


def _docker():
    found = {}
    for kind, command in _DOCKER.items():
        for line in _output("docker", *command).splitlines():
            name, _, text = line.partition(" ")
            found[f"{kind} {name}"] = text
    return found


def _output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


def main():
    """Run as Ansible runs modules."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["taken", "equal"], "required": True},
            "keeps": {"type": "list", "elements": "str", "default": []},
            "path": {"type": "path", "default": "/run/node-snapshot.json"},
        },
        supports_check_mode=True,
    )
    path = module.params["path"]
    now = take()
    if module.params["state"] == "taken":
        with open(path, "w", encoding="utf-8") as file:
            json.dump(now, file)
        module.exit_json(changed=False, differences=[])
    with open(path, encoding="utf-8") as file:
        before = json.load(file)
    differences = compare(before, now, module.params["keeps"])
    if differences:
        told = "\n".join(differences)
        module.fail_json(msg=f"The node is not what it was:\n{told}", differences=differences)
    module.exit_json(changed=False, differences=[])


if __name__ == "__main__":
    main()
