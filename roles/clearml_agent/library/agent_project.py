#!/usr/bin/python
"""Ansible module: a node's agents, all of them, in one connection."""

from __future__ import annotations

import contextlib
import os
import shutil

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_agent_files import (
    COMPOSE,
    WISHES,
    files_of,
    folders_of,
    leftover_credentials,
    lost_groups,
)
from ansible.module_utils.fleet_agent_unit import AgentUnit
from ansible.module_utils.fleet_engine import Engine, EngineError
from ansible.module_utils.fleet_files import lay_down, read, remove
from ansible.module_utils.fleet_project import (
    Project,
    ProjectError,
    beside_leaving,
    generations,
    say_not_left,
)
from ansible.module_utils.fleet_records import abandoned_tasks, say_abandoned
from ansible.module_utils.fleet_slots import agents
from ansible.module_utils.fleet_systemd import SystemdError
from ansible.module_utils.fleet_wishes import DRAINED

DOCUMENTATION = r"""
---
module: agent_project
short_description: Have the agents of a node run as one Compose project
description:
  - Lays down the configurations, the project and the unit that ends it with the machine; starts
    agents that are new beside those that are there, where they stand by; then tells those that are
    no longer wanted to leave, which they do when their tasks are over.
  - Does not wait for tasks unless O(wait_for_tasks) says so.
  - Without O(compose) the agents and their credentials go; caches stay.
options:
  project:
    description: Name of the Compose project.
    type: str
    default: fleet
  config_directory:
    description: Where compose.yaml and C(GROUP.clearml.conf) lie.
    type: path
    required: true
  data_directory:
    description: Where each group has a folder for caches, mode 0700.
    type: path
    required: true
  compose:
    description: Text of compose.yaml; empty where the node shall have no agents.
    type: str
    default: ""
  configurations:
    description: Node group to the text of its configuration.
    type: dict
    default: {}
  slots:
    description: Slot to its node group.
    type: dict
    default: {}
  images:
    description: Images of tasks that are pulled before the first task wants them.
    type: list
    elements: str
    default: []
  unit:
    description: Text of the systemd unit C(PROJECT-agents.service).
    type: str
    default: ""
  start_timeout:
    description: Seconds within which each new agent must poll or stand by.
    type: int
    default: 60
  settle_seconds:
    description: Seconds for agents that are idle to leave.
    type: int
    default: 30
  wait_for_tasks:
    description: Seconds to wait for the tasks of agents that leave.
    type: int
    default: 0
  put_back:
    description: Whether agents that leave put their tasks back in their queues, rather than finish.
    type: bool
    default: false
  keep_caches:
    description: Whether the caches stay where the node shall have no agents.
    type: bool
    default: true
attributes:
  check_mode: {support: full}
  diff_mode: {support: partial, details: Of the Compose project; configurations hold secrets.}
author:
  - The authors of clearml-fleet
"""

EXAMPLES = r"""
- name: Ensure each slot has its agent
  agent_project:
    config_directory: /etc/fleet
    data_directory: /var/lib/fleet/agent
    compose: "{{ lookup('ansible.builtin.template', 'compose.yaml.j2') }}"
    configurations: {cpu_nodes: "api { … }"}
    slots: {cpu-1-0: cpu_nodes}
"""

RETURN = r"""
written:
  description: Files that were written (in check mode, would be).
  type: list
  elements: str
  returned: success
pulled:
  description: Images that were not there.
  type: list
  elements: str
  returned: success
started:
  description: Agents that were started, C(slot) and C(container).
  type: list
  elements: dict
  returned: success
told:
  description: Containers of agents that were told to leave.
  type: list
  elements: str
  returned: success
leaving:
  description: Agents that still finish a task, C(slot), C(container), C(task).
  type: list
  elements: dict
  returned: success
abandoned:
  description:
    - Tasks of agents that died while they left, in slots that the node no longer has, C(slot),
      C(task), C(file). Nobody finishes them or puts them back.
  type: list
  elements: dict
  returned: success
removed:
  description: Containers that had ended, and files with credentials of agents that are gone.
  type: list
  elements: str
  returned: success
"""


def install(module, engine, wanted):
    """Bring the agents to what they should be; what was done."""
    dry = module.check_mode
    there = engine.answers()
    found = agents(engine, wanted["project"]) if there else []
    compose = beside_leaving(wanted["compose"], found, lost_groups(wanted))
    config = wanted["config_directory"]
    unit = AgentUnit(wanted["project"], wanted["unit"])
    before = read(os.path.join(config, COMPOSE))
    diff = {"before_header": COMPOSE, "after_header": COMPOSE}
    diff |= {"before": before, "after": compose}
    names = generations(compose)
    project = Project(engine, wanted["project"], config, names)
    folders = lay_down(folders_of(wanted), {}, dry)["folders"]
    if not dry:
        # Before anything names them: a machine that starts anew meanwhile can start what it has.
        project.pull(wanted["images"])
    changed = {**lay_down({}, files_of(wanted, compose) | unit.files, dry), "folders": folders}
    if there and dry:
        project.plan(wanted["images"])
    elif dry:
        project.report.started = names
    else:
        project.start(wanted["start_timeout"])
        project.hand_over(wanted["settle_seconds"])
        leave(project, wanted)
        project.clear()
    kept = set(wanted["configurations"])
    if there:
        kept |= project.groups()
    leftovers = leftover_credentials(config, wanted["data_directory"], kept)
    enabled = unit.enable(dry=dry, anew=unit.file in changed["written"])
    if not dry:
        remove(leftovers)
    started = _slots_of(project.report.started, wanted)
    said = result(project.report, changed, leftovers, started, unit=enabled)
    abandoned = abandoned_tasks(wanted["data_directory"], wanted["slots"])
    return said | {"diff": diff, "abandoned": abandoned}


def uninstall(module, engine, wanted):
    """Take the agents off; what was done."""
    dry, config = module.check_mode, wanted["config_directory"]
    project = Project(engine, wanted["project"], config, [])
    there = engine.there()
    if there and dry:
        project.plan([])
    # Before they are told: a machine that starts anew meanwhile has no agents to start.
    unit = AgentUnit(wanted["project"])
    retired = unit.retire(dry=dry)
    gone = _remove([os.path.join(config, COMPOSE)], dry=dry)
    if there and not dry:
        project.hand_over(wanted["settle_seconds"])
        leave(project, wanted)
        project.clear()
    abandoned = abandoned_tasks(wanted["data_directory"], ())
    kept = project.groups() if there else set()
    gone += _remove(leftover_credentials(config, wanted["data_directory"], kept), dry=dry)
    if not kept or dry:
        gone += _remove([os.path.join(config, WISHES, DRAINED)], dry=dry)
        if unit.remove(dry=dry):
            gone.append(unit.file)
        caches = wanted["data_directory"]
        if not wanted["keep_caches"] and os.path.isdir(caches):
            gone.append(caches)
            if not dry:
                shutil.rmtree(caches)
    if not dry:
        for folder in (os.path.join(config, WISHES), config):
            with contextlib.suppress(OSError):  # another role has something there
                os.rmdir(folder)
    if wanted["put_back"] and not dry and project.report.leaving:
        raise ProjectError(say_not_left(project.report.leaving))
    said = result(project.report, {"folders": [], "written": []}, gone, [], unit=retired)
    return said | {"abandoned": abandoned}


def leave(project, wanted):
    """See to the tasks of agents that leave, as it was asked for."""
    if wanted["put_back"]:
        project.put_back()
    else:
        project.await_tasks(wanted["wait_for_tasks"])


def result(report, changed, leftovers, started, *, unit):
    """What the module says."""
    return {
        "changed": bool(report.changed or any(changed.values()) or leftovers or unit),
        **changed,
        "pulled": report.pulled,
        "started": started,
        "told": report.told,
        "leaving": report.leaving,
        "removed": [*report.removed, *leftovers],
    }


def _slots_of(names, wanted):
    prefix = f"{wanted['project']}-"
    return [
        {"slot": name.removeprefix(prefix).rpartition(".")[0], "container": name} for name in names
    ]


def _remove(paths, *, dry):
    """Those of the files that were there."""
    found = [path for path in paths if os.path.lexists(path)]
    if not dry:
        remove(found)
    return found


def main():
    """Run as Ansible runs modules."""
    module = AnsibleModule(
        argument_spec={
            "project": {"type": "str", "default": "fleet"},
            "config_directory": {"type": "path", "required": True},
            "data_directory": {"type": "path", "required": True},
            "compose": {"type": "str", "default": ""},
            "configurations": {"type": "dict", "default": {}, "no_log": True},
            "slots": {"type": "dict", "default": {}},
            "images": {"type": "list", "elements": "str", "default": []},
            "unit": {"type": "str", "default": ""},
            "start_timeout": {"type": "int", "default": 60},
            "settle_seconds": {"type": "int", "default": 30},
            "wait_for_tasks": {"type": "int", "default": 0},
            "put_back": {"type": "bool", "default": False},
            "keep_caches": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    act = install if module.params["compose"] else uninstall
    try:
        said = act(module, Engine(), module.params)
    except OSError as error:
        module.fail_json(
            msg=f"{error.filename or 'a folder of the agents'}: {error.strerror}; fix: see that it "
            "is no file where a folder should be, that its disk is not full and can be written, or "
            "set clearml_agent_config_directory or clearml_agent_data_directory otherwise"
        )
    except (EngineError, ProjectError, SystemdError) as error:
        module.fail_json(msg=str(error))
    for agent in said["leaving"]:
        task = f"finishes task {agent['task']}" if agent["task"] else "has not left yet"
        module.warn(
            f"{agent['slot']}: the agent {agent['container']} {task}, then it goes by itself"
        )
    for left in said["abandoned"]:
        module.warn(say_abandoned(left))
    module.exit_json(**said)


if __name__ == "__main__":
    main()
