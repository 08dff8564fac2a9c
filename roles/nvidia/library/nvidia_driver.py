#!/usr/bin/python
"""Ansible module: the NVIDIA driver of a node is as it must be, and its GPUs are divided."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_gpus import GpuError, query, users
from ansible.module_utils.fleet_mig import (
    check_order,
    divide,
    layouts,
    refuse_if_used,
    to_divide,
)

DOCUMENTATION = r"""
---
module: nvidia_driver
short_description: Check the NVIDIA driver, and divide GPUs by MIG
description:
  - The driver is looked at and never changed.
  - Where O(divide) is set, GPUs whose MIG instances are others than O(mig) says are divided anew,
    provided that nothing on the node uses a GPU; then the driver is asked again.
options:
  minimum_version:
    description: Oldest version of the driver that will do.
    type: str
    required: true
  divide:
    description: Whether the inventory says how the GPUs are divided.
    type: bool
    default: false
  mig:
    description: GPU to the profiles of its MIG instances, in the driver's order; others are whole.
    type: dict
    default: {}
attributes:
  check_mode: {support: full}
  diff_mode: {support: full}
author:
  - The authors of clearml-fleet
"""

EXAMPLES = r"""
- name: Ensure the driver will do, and GPU 0 is divided in two
  nvidia_driver:
    minimum_version: "550"
    divide: true
    mig: {"0": [3g.40gb, 3g.40gb]}
"""

RETURN = r"""
version:
  description: Version of the driver.
  type: str
  returned: always
mig:
  description: GPU to the profiles of its instances, as the driver lists them now.
  type: dict
  returned: always
"""


def check_version(minimum):
    """The driver's version.

    Raises
    ------
    GpuError
        It is older than `minimum`, or lists no GPU.
    """
    versions = [row[0] for row in query("driver_version")]
    if not versions:
        raise GpuError(
            "the NVIDIA driver lists no GPU; fix: see `dmesg | grep -i nvrm` on the node"
        )
    if numbers(versions[0]) < numbers(minimum):
        raise GpuError(
            f"the NVIDIA driver is {versions[0]}, older than {minimum}; fix: drain the node, "
            "upgrade the driver and reboot, or lower nvidia_minimum_driver where the images do "
            "with less"
        )
    return versions[0]


def numbers(version):
    """A version as numbers that compare."""
    return [int(part) for part in str(version).split(".") if part.isdecimal()]


def shown(layout):
    """A layout, a line for each GPU."""
    return "".join(f"GPU {gpu}: {', '.join(found) or 'whole'}\n" for gpu, found in layout.items())


def main():
    """Run as Ansible runs modules."""
    module = AnsibleModule(
        argument_spec={
            "minimum_version": {"type": "str", "required": True},
            "divide": {"type": "bool", "default": False},
            "mig": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    wanted = {str(gpu): list(profiles) for gpu, profiles in module.params["mig"].items()}
    try:
        version = check_version(module.params["minimum_version"])
        before = now = layouts()
        gpus = to_divide(wanted, before) if module.params["divide"] else []
        if gpus:
            refuse_if_used(gpus, users())
        if gpus and not module.check_mode:
            divide(gpus, wanted)
            now = layouts()
        if module.params["divide"] and not (gpus and module.check_mode):
            check_order(wanted, now)
    except GpuError as error:
        module.fail_json(msg=str(error))
    after = {**before, **{gpu: wanted.get(gpu, []) for gpu in gpus}} if gpus else now
    diff = {"before": shown(before), "after": shown(after), "before_header": "MIG"}
    module.exit_json(changed=bool(gpus), version=version, mig=now, diff=diff)


if __name__ == "__main__":
    main()
