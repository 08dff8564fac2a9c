#!/usr/bin/python
"""Ansible module: can this machine be a node of the fleet?"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_gpus import parse_gpus

DOCUMENTATION = r"""
---
module: preflight_host
short_description: Check that a machine can be a node
description:
  - Tells every problem of the machine at once, each with what to do about it.
  - Changes nothing, and needs nothing but Python.
options:
  os_releases:
    description: Supported systems, ID of /etc/os-release to a list of VERSION_ID.
    type: dict
    required: true
  architectures:
    description: Supported machine architectures.
    type: list
    elements: str
    required: true
  minimum_disk_gb:
    description: Free space in GB that O(disk_path) must have.
    type: int
    required: true
  disk_path:
    description: The folder whose file system is measured.
    type: path
    required: true
  maximum_clock_skew:
    description: Largest difference of the clocks in seconds.
    type: int
    required: true
  control_time:
    description: The control machine's time, seconds since 1970 in UTC.
    type: float
    required: true
  gpus:
    description: How many GPUs the node's slots own; the machine must have them ready for Docker.
    type: int
    default: 0
  mig:
    description:
      - GPU to the profiles of its MIG instances that the inventory tells of, in order; a GPU that
        is not named is whole. It is not looked at with O(ask_gpus_for).
    type: dict
    default: {}
  ask_gpus_for:
    description:
      - Node groups that want GPUs of a machine of which the inventory does not say how many it has.
      - The driver is asked then, and must list one.
    type: list
    elements: str
    default: []
  toolkit:
    description: Whether the container toolkit must be there already.
    type: bool
    default: true
  divided:
    description: Whether the GPUs must be divided already as O(mig) says.
    type: bool
    default: true
  mounts:
    description: Folders that must be there, each with its C(group) and its C(source).
    type: list
    elements: dict
    default: []
author:
  - The authors of clearml-fleet
"""

EXAMPLES = r"""
- name: Ensure the machine can be a node
  preflight_host:
    os_releases: {debian: ["12", "13"]}
    architectures: [x86_64]
    minimum_disk_gb: 5
    disk_path: /var/lib
    maximum_clock_skew: 30
    control_time: "{{ now(utc=true).timestamp() }}"
"""

RETURN = r"""
problems:
  description: What is wrong, and how to mend it.
  type: list
  elements: dict
  returned: always
  sample: [{"what": "no systemd", "mend": "boot the machine with systemd"}]
ansible_facts:
  description: With O(ask_gpus_for), the fact C(fleet_found): the GPUs and MIG instances.
  type: dict
  returned: when the driver was asked and listed a GPU
  sample: {"fleet_found": {"gpus": 2, "mig": {"0": ["3g.40gb", "3g.40gb"]}}}
"""


def find_problems(wanted, host):
    """Compare what a node must be with what the machine is.

    Parameters
    ----------
    wanted : dict
        The module's parameters.
    host : dict
        As `read_host` gives it.

    Returns
    -------
    list of dict
        Each with `what` and `mend`; empty when the machine can be a node.
    """
    checks = (_root, _system, _architecture, _systemd, _disk, _clock, _gpus, _gpu_toolkit)
    found = [problem for problem in (check(wanted, host) for check in checks) if problem]
    return found + _mig(wanted, host) + _mounts(wanted, host)


def read_host(disk_path, mounts=()):
    """What the machine is.

    Parameters
    ----------
    disk_path : str
        The folder whose file system is measured.
    mounts : sequence of dict
        Folders to look for, each with its `source`.

    Returns
    -------
    dict
        `uid`, `os`, `architecture`, `systemd`, `free_gb`, `time`; `gpus` and `mig`, what the
        driver lists; `gpu_toolkit`, whether Docker can hand GPUs to containers; `missing`, the
        folders that are not there.
    """
    gpus, mig = parse_gpus(list_gpus())
    sources = {mount["source"] for mount in mounts}
    return {
        "uid": os.geteuid(),
        "os": read_os_release(),
        "architecture": platform.machine(),
        "systemd": os.path.isdir("/run/systemd/system"),
        "free_gb": shutil.disk_usage(disk_path).free / 1e9 if os.path.isdir(disk_path) else 0.0,
        "time": time.time(),
        "gpus": gpus,
        "mig": mig,
        "gpu_toolkit": shutil.which("nvidia-container-runtime-hook") is not None,
        "missing": sorted(source for source in sources if not os.path.exists(source)),
    }


def list_gpus():
    """What the NVIDIA driver lists; empty without a driver that answers."""
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return ""
    return subprocess.run([smi, "--list-gpus"], capture_output=True, text=True, check=False).stdout


def found_gpus(host):
    """The GPUs of a machine, as the control tooling keeps them."""
    return {"gpus": host["gpus"], "mig": host["mig"]}


def read_os_release(path="/etc/os-release"):
    """The fields of an os-release file; empty where there is none."""
    if not os.path.isfile(path):
        return {}
    with open(path, encoding="utf-8") as file:
        pairs = (line.strip().partition("=") for line in file if "=" in line)
        return {key: value.strip("\"'") for key, _, value in pairs}


def _root(_wanted, host):
    if host["uid"] == 0:
        return None
    return _problem("the tasks do not run as root", "set `become: true` and a user who may sudo")


def _system(wanted, host):
    name, version = host["os"].get("ID", "unknown"), host["os"].get("VERSION_ID", "unknown")
    if version in [str(known) for known in wanted["os_releases"].get(name, [])]:
        return None
    known = ", ".join(
        f"{system} {release}"
        for system, releases in wanted["os_releases"].items()
        for release in releases
    )
    return _problem(
        f"the system is {name} {version}, not one of: {known}",
        "install or upgrade to one of these",
    )


def _architecture(wanted, host):
    if host["architecture"] in wanted["architectures"]:
        return None
    return _problem(
        f"the architecture is {host['architecture']}; there are images for: "
        + ", ".join(wanted["architectures"]),
        "take the machine out of the inventory",
    )


def _systemd(_wanted, host):
    if host["systemd"]:
        return None
    return _problem("systemd does not run", "boot the machine with systemd as its init")


def _disk(wanted, host):
    if host["free_gb"] >= wanted["minimum_disk_gb"]:
        return None
    return _problem(
        f"{host['free_gb']:.1f} GB are free on {wanted['disk_path']}, "
        f"less than {wanted['minimum_disk_gb']} GB",
        "free some space (`docker system prune` on the node), or lower preflight_minimum_disk_gb",
    )


def _clock(wanted, host):
    skew = host["time"] - wanted["control_time"]
    if abs(skew) <= wanted["maximum_clock_skew"]:
        return None
    return _problem(
        f"the clock differs by {skew:+.0f} s from the control machine's",
        "install systemd-timesyncd or chrony on both, and wait until it has set the time",
    )


def _gpus(wanted, host):
    groups = wanted["ask_gpus_for"]
    if groups and not host["gpus"]:
        return _problem(
            f"it is in {', '.join(groups)}, but its NVIDIA driver lists no GPU",
            "install the driver so that `nvidia-smi -L` lists them, or write `fleet_gpus: 0` for "
            "the node and what it shall have instead (fleet_slots), or take it out of the group",
        )
    if host["gpus"] >= wanted["gpus"]:
        return None
    return _problem(
        f"its slots own {wanted['gpus']} GPUs, but the NVIDIA driver lists {host['gpus']}",
        "install the driver so that `nvidia-smi -L` lists them, or correct fleet_gpus",
    )


def _gpu_toolkit(wanted, host):
    if not wanted["toolkit"]:
        return None
    wants = wanted["gpus"] or (wanted["ask_gpus_for"] and host["gpus"])
    if not wants or host["gpu_toolkit"]:
        return None
    return _problem(
        "Docker cannot hand GPUs to containers here: the NVIDIA container toolkit is missing",
        "install nvidia-container-toolkit from NVIDIA's package source",
    )


def _mig(wanted, host):
    """A MIG layout that the inventory tells of must be the driver's."""
    if not wanted["divided"]:
        return []
    if wanted["ask_gpus_for"]:
        return []  # It is compared when the plan knows the GPUs that were found.
    told = {str(gpu): list(profiles) for gpu, profiles in wanted["mig"].items()}
    # Where GPUs are missing altogether, that is the problem.
    count = min(wanted["gpus"], host["gpus"])
    layouts = [
        (gpu, told.get(gpu, []), host["mig"].get(gpu, []))
        for gpu in [str(index) for index in range(count)]
    ]
    return [
        _problem(
            f"GPU {gpu} is {_layout(by_inventory)} by the inventory, "
            f"but {_layout(by_driver)} by the NVIDIA driver",
            "write fleet_mig as `nvidia-smi -L` lists the instances, in that order, or divide the "
            "GPU so (`nvidia-smi mig -cgi … -C`)",
        )
        for gpu, by_inventory, by_driver in layouts
        if by_inventory != by_driver
    ]


def _layout(profiles):
    return f"divided into {', '.join(profiles)}" if profiles else "whole"


def _mounts(wanted, host):
    groups = {}
    for mount in wanted["mounts"]:
        groups.setdefault(mount["source"], []).append(mount["group"])
    return [
        _problem(
            f"{source}, which tasks of {', '.join(groups[source])} see, is not there",
            "mount or make it on the node, or correct data.mounts in queues.yml",
        )
        for source in host["missing"]
    ]


def _problem(what, mend):
    return {"what": what, "mend": mend}


def main():
    """Run as Ansible runs modules."""
    module = AnsibleModule(
        argument_spec={
            "os_releases": {"type": "dict", "required": True},
            "architectures": {"type": "list", "elements": "str", "required": True},
            "minimum_disk_gb": {"type": "int", "required": True},
            "disk_path": {"type": "path", "required": True},
            "maximum_clock_skew": {"type": "int", "required": True},
            "control_time": {"type": "float", "required": True},
            "gpus": {"type": "int", "default": 0},
            "mig": {"type": "dict", "default": {}},
            "ask_gpus_for": {"type": "list", "elements": "str", "default": []},
            "toolkit": {"type": "bool", "default": True},
            "divided": {"type": "bool", "default": True},
            "mounts": {"type": "list", "elements": "dict", "default": []},
        },
        supports_check_mode=True,
    )
    host = read_host(module.params["disk_path"], module.params["mounts"])
    problems = find_problems(module.params, host)
    if problems:
        told = "\n".join(f"- {problem['what']}; fix: {problem['mend']}" for problem in problems)
        module.fail_json(msg=f"This machine cannot be a node:\n{told}", problems=problems)
    asked = bool(module.params["ask_gpus_for"])
    facts = {"ansible_facts": {"fleet_found": found_gpus(host)}} if asked else {}
    module.exit_json(changed=False, problems=[], **facts)


if __name__ == "__main__":
    main()
