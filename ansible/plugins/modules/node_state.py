#!/usr/bin/python
"""Ansible module: is a node as site.yml left it, and is that what site.yml would make of it now?"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import stat
import subprocess

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_agent_files import COMPOSE, leftover_credentials
from ansible.module_utils.fleet_engine import Engine, EngineError
from ansible.module_utils.fleet_files import lay_down, read
from ansible.module_utils.fleet_gpus import parse_gpus
from ansible.module_utils.fleet_project import generations
from ansible.module_utils.fleet_slots import agents, untold

DOCUMENTATION = r"""
---
module: node_state
short_description: Compare a node with what its roles would make of it, or keep what they made
description:
  - A node keeps, role by role, what it was provisioned with, a hash of the role's code and
    variables, and how the role left what it owns, files, packages and units.
  - Without O(owned), compares. A role differs where the hash is another one, where something that
    it owns is not as it was left, or where the agents that run are not those of the project.
  - With O(owned), keeps the state of the roles that went through.
options:
  record:
    description: The file on the node where it is kept.
    type: path
    required: true
  fingerprints:
    description: Role to its hash, as the filter C(fleet_fingerprints) gives them.
    type: dict
    required: true
  owned:
    description:
      - Role to what it owns. C(files) are paths or patterns of paths, C(packages) names of Debian
        packages, C(units) names of systemd units, C(gpus) whether it divides the GPUs, C(project)
        the C(name) and the C(directory) of a Compose project of agents, the folder of their C(data)
        and the node C(groups) whose credentials belong there.
    type: dict
  unproven:
    description: With O(owned), slots that have new agents, and have not run a task with them yet.
    type: list
    elements: str
    default: []
  proven:
    description: Slots that have run a task with the agents that they have; nothing else is kept.
    type: list
    elements: str
  force:
    description: Whether every role differs, whatever is there.
    type: bool
    default: false
attributes:
  check_mode: {support: full}
author:
  - The authors of clearml-fleet
"""

EXAMPLES = r"""
- name: Ensure it is known what differs
  node_state:
    record: /etc/fleet/provisioned.json
    fingerprints: "{{ ['docker'] | fleet_fingerprints(inventory_hostname) }}"
"""

RETURN = r"""
differs:
  description: Role to the reasons why it has something to do; roles that have not are left out.
  type: dict
  returned: success
unproven:
  description: Slots whose agents have not run a task yet.
  type: list
  elements: str
  returned: success
new:
  description: Whether the node has never been provisioned.
  type: bool
  returned: success
"""

_SECONDS = 60
# Beside the roles, of whom none is called so.
_UNPROVEN = "unproven slots"


def compare(record, fingerprints, engine):
    """Role → reasons why it has something to do.

    Parameters
    ----------
    record : dict
        What was kept: role → `fingerprint`, `owned` and `state`.
    fingerprints : dict
        Role → hash.
    engine : Engine
        The node's engine.
    """
    found = {}
    for role, fingerprint in fingerprints.items():
        kept = record.get(role)
        if kept is None:
            found[role] = ["it was never done"]
        elif kept["fingerprint"] != fingerprint:
            found[role] = ["its code or its variables changed"]
        else:
            reasons = _changes(kept["state"], observe(kept["owned"]))
            reasons += agents_amiss(kept["owned"].get("project"), engine)
            if reasons:
                found[role] = reasons
    return found


def observe(owned):
    """How what a role owns is now: a name for each part, and its state in one line."""
    seen = {}
    for pattern in owned.get("files") or []:
        paths = sorted(glob.glob(pattern)) if glob.has_magic(pattern) else [pattern]
        seen |= {path: _file(path) for path in paths}
    if owned.get("packages"):
        seen |= _packages(owned["packages"])
    if owned.get("units"):
        seen |= _units(owned["units"])
    if owned.get("gpus"):
        # MIG instances do not outlive a reboot.
        gpus, mig = parse_gpus(_output("nvidia-smi", "--list-gpus"))
        seen |= {f"GPU {gpu}": ", ".join(mig.get(str(gpu), ["whole"])) for gpu in range(gpus)}
    return seen


def agents_amiss(project, engine):
    """What is wrong with the agents of a project; nothing where the role has none."""
    if not project:
        return []
    if not engine.answers():
        return ["the Docker Engine does not answer"]
    directory, name = project["directory"], project["name"]
    wanted = generations(read(os.path.join(directory, COMPOSE)))
    found = {agent.container: agent for agent in agents(engine, name)}
    reasons = []
    for container in wanted:
        agent = found.get(container)
        if agent is None or not agent.running:
            reasons.append(f"the agent {container} does not run")
        elif agent.leaving:
            reasons.append(f"the agent {container} was told to leave")
        elif not agent.healthy:
            reasons.append(f"the agent {container} does not poll")
    reasons += [
        f"the agent {container} is not wanted any more"
        for container, agent in found.items()
        if container not in wanted and agent.running and not agent.leaving
    ]
    others = [agent for agent in found.values() if agent.container not in wanted]
    leaving = [agent for agent in others if agent.running and agent.leaving]
    reasons += [
        f"the agent {agent.container} shall leave, and was not told" for agent in untold(leaving)
    ]
    groups = {*project["groups"], *(a.group for a in found.values() if a.running)}
    return reasons + [
        f"{path} holds credentials of agents that are gone"
        for path in leftover_credentials(directory, project["data"], groups)
    ]


def _changes(kept, seen):
    return [
        f"{name} is {seen.get(name, 'gone')}, and was left {state}"
        for name, state in kept.items()
        if seen.get(name) != state
    ] + [f"{name} is there, and was not" for name in seen if name not in kept]


def _file(path):
    try:
        found = os.stat(path)
    except OSError:
        return "absent"
    access = f"{found.st_uid}:{found.st_gid} {stat.S_IMODE(found.st_mode):04o}"
    if not stat.S_ISREG(found.st_mode):
        return f"no plain file, {access}"
    with open(path, "rb") as file:
        return f"{hashlib.sha256(file.read()).hexdigest()[:16]} {access}"


def _packages(names):
    said = _output(
        "dpkg-query", "--show", "--showformat=${Package} ${db:Status-Abbrev}${Version}\n", *names
    )
    versions = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)
    return {f"package {name}": versions.get(name, "absent") for name in names}


def _units(names):
    shown = _output("systemctl", "show", "--property=Id,ActiveState,UnitFileState", *names)
    states = {}
    for block in shown.split("\n\n"):
        fields = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if fields:
            # One that is asked for by its name may call itself otherwise.
            states[fields["Id"]] = f"{fields.get('ActiveState')} {fields.get('UnitFileState')}"
    return {f"unit {name}": states.get(name, "absent") for name in names}


def _output(*command):
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return ""
    return done.stdout


def _read(path):
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def main():
    """Run as Ansible runs modules."""
    module = AnsibleModule(
        argument_spec={
            "record": {"type": "path", "required": True},
            "fingerprints": {"type": "dict", "required": True},
            "owned": {"type": "dict"},
            "unproven": {"type": "list", "elements": "str", "default": []},
            "proven": {"type": "list", "elements": "str"},
            "force": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    path, fingerprints, owned = wanted["record"], wanted["fingerprints"], wanted["owned"]
    record = _read(path)
    known = record or {}
    unproven = known.get(_UNPROVEN, [])
    try:
        if owned is None and wanted["proven"] is None:
            differs = compare(known, fingerprints, Engine())
            if wanted["force"]:
                differs = {role: differs.get(role, ["it is forced"]) for role in fingerprints}
            module.exit_json(changed=False, differs=differs, unproven=unproven, new=record is None)
        roles = {
            role: {"fingerprint": fingerprints[role], "owned": of, "state": observe(of)}
            for role, of in (owned or {}).items()
        }
        waiting = {*unproven, *wanted["unproven"]} - {*(wanted["proven"] or [])}
        kept = {**known, **roles, _UNPROVEN: sorted(waiting)}
        text = json.dumps(kept, indent=1, sort_keys=True) + "\n"
        lay_down({os.path.dirname(path): 0o755}, {path: (text, 0o600)}, module.check_mode)
    except (OSError, EngineError) as error:
        module.fail_json(msg=f"The state of the node cannot be read or kept: {error}")
    # What the roles changed, they told; this is no change of the node's.
    module.exit_json(changed=False, differs={}, unproven=kept[_UNPROVEN], new=False)


if __name__ == "__main__":
    main()
