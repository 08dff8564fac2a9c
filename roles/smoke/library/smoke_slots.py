#!/usr/bin/python
"""Ansible module: hand smoke tasks to the agents of a node, all slots at once."""

from __future__ import annotations

import json
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: smoke_slots
short_description: Have the agents of a node run their smoke tasks
description:
  - Hands each task to the newest agent of its slot (C(fleet-agent smoke) in its container) and
    waits for its end. All slots run theirs at the same time.
  - Docker's own events tell which image it started for each task.
  - What became of a task is told, good or bad; the module fails only where Docker does not answer.
options:
  tasks:
    description: Slot to the id of its task.
    type: dict
    required: true
  wait:
    description: Seconds that a slot may be busy before its task is given up.
    type: int
    default: 20
  timeout:
    description: Seconds that a task may take.
    type: int
    default: 300
attributes:
  check_mode: {support: full, details: Nothing is handed over.}
author:
  - The authors of clearml-fleet
"""

EXAMPLES = r"""
- name: Ensure the agents run their smoke tasks
  smoke_slots:
    tasks:
      cpu-1-0: 0f5a1c9d7e3b4a6fa2d8c4b1e9f07a35
"""

RETURN = r"""
slots:
  description: >-
    Slot to C(task), C(state) (V(ran), V(waiting) or V(error)), C(message), and C(image), the
    reference that Docker started the task's container from.
  type: dict
  returned: success
"""

# Exit codes of `fleet-agent smoke`.
_COMPLETED, _NOT_COMPLETED, _NOT_FREE = 0, 1, 3


def find_agents(listing):
    """Slot to the container of its newest agent.

    Parameters
    ----------
    listing : str
        Lines of container, tab, slot; the newest first, as Docker lists them.
    """
    agents = {}
    for line in listing.splitlines():
        container, _, slot = line.partition("\t")
        agents.setdefault(slot, container)
    return agents


def judge(task, code, out, err):
    """What handing over came to, by the exit code and the output of the command.

    Returns
    -------
    dict
        C(task), C(state) and C(message).
    """
    said = last_object(out)
    message = str(said.get("message") or said.get("status") or "")
    if code in (_COMPLETED, _NOT_COMPLETED) and said:
        return {"task": task, "state": "ran", "message": message}
    if code == _NOT_FREE:
        return {"task": task, "state": "waiting", "message": message or "the slot is busy"}
    last = (err.strip() or out.strip() or "it said nothing").splitlines()[-1]
    return {"task": task, "state": "error", "message": f"exit code {code}: {last}"}


def last_object(text):
    """The last line of a text that is a JSON object; an empty one where there is none."""
    for line in reversed(text.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return {}


def images_of(events, tasks):
    """Task to the image that Docker started for it.

    Parameters
    ----------
    events : str
        Docker's events of containers, a JSON object a line.
    tasks : iterable of str
        Ids; an agent names a task's container after it.
    """
    found = {}
    for line in events.splitlines():
        attributes = json.loads(line).get("Actor", {}).get("Attributes", {})
        for task in tasks:
            if task in attributes.get("name", ""):
                found[task] = attributes.get("image", "")
    return found


def hand_over(container, task, wait, timeout):
    """Have an agent run a task, and wait for its end."""
    command = ["docker", "exec", container, "fleet-agent", "smoke", task, "--wait", str(wait)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=wait + timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except subprocess.TimeoutExpired:
        message = f"it has not ended within {wait + timeout} s"
        return {"task": task, "state": "error", "message": message}
    return judge(task, done.returncode, done.stdout, done.stderr)


def hand_over_all(tasks, wait, timeout):
    """Hand each task to the agent of its slot; gives what the module tells."""
    listing = ["docker", "ps", "--filter", "label=fleet.slot"]
    listing += ["--format", '{{.Names}}\t{{.Label "fleet.slot"}}']
    agents = find_agents(
        subprocess.run(listing, capture_output=True, text=True, timeout=60, check=True).stdout
    )
    begun = int(time.time())
    watching = ["docker", "events", "--since", str(begun), "--format", "{{json .}}"]
    watching += ["--filter", "type=container", "--filter", "event=create"]
    with subprocess.Popen(watching, stdout=subprocess.PIPE, text=True) as watch:
        try:
            with ThreadPoolExecutor(len(tasks)) as pool:
                futures = {
                    slot: pool.submit(hand_over, agents[slot], task, wait, timeout)
                    for slot, task in tasks.items()
                    if slot in agents
                }
        finally:
            watch.terminate()
        events = watch.communicate(timeout=30)[0]
    # Tasks can be over before the watch is there; Docker remembers the newest 256 events.
    events += subprocess.run(
        [*watching, "--until", str(int(time.time()) + 1)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    images = images_of(events, tasks.values())
    results = {}
    for slot, task in tasks.items():
        if slot in futures:
            results[slot] = futures[slot].result()
        else:
            results[slot] = {"task": task, "state": "error", "message": "the slot has no agent"}
        results[slot]["image"] = images.get(task, "")
    return results


def main():
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "tasks": {"type": "dict", "required": True},
            "wait": {"type": "int", "default": 20},
            "timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    if module.check_mode or not wanted["tasks"]:
        module.exit_json(changed=False, slots={})
    try:
        slots = hand_over_all(wanted["tasks"], wanted["wait"], wanted["timeout"])
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip()
        module.fail_json(msg=f"Docker does not answer on the node: {said}")
    module.exit_json(changed=False, slots=slots)


if __name__ == "__main__":
    main()
