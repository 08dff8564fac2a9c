#!/usr/bin/python
"""Ansible module: the NVIDIA driver of a node is as it must be, and its GPUs are divided."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_gpus import GpuError, parse_gpus, query, smi, users

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


def layouts():
    """GPU → profiles of its instances, sorted by GPU; a whole GPU has none."""
    count, mig = parse_gpus(smi("-L"))
    return {str(gpu): mig.get(str(gpu), []) for gpu in range(count)}


def to_divide(wanted, found):
    """The GPUs that have other instances than they should, whatever their order."""
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise GpuError(
            f"fleet_mig names GPU {', '.join(missing)}, which the driver does not list; fix: "
            "correct fleet_mig or fleet_gpus"
        )
    return [gpu for gpu in found if sorted(wanted.get(gpu, [])) != sorted(found[gpu])]


def divide(gpus, wanted):
    """Divide GPUs that nothing uses, or make them whole."""
    modes = {row[0]: row[1] for row in query("index", "mig.mode.current")}
    for gpu in gpus:
        profiles = wanted.get(gpu, [])
        if profiles and modes[gpu] not in ("Enabled", "Disabled"):
            raise GpuError(f"GPU {gpu} cannot be divided by MIG; fix: take it out of fleet_mig")
        # Compute instances first; where there are none, these say so and fail.
        smi("mig", "-i", gpu, "-dci", check=False)
        smi("mig", "-i", gpu, "-dgi", check=False)
        if profiles and modes[gpu] == "Disabled":
            switch(gpu, "Enabled")
        elif not profiles and modes[gpu] == "Enabled":
            switch(gpu, "Disabled")
        if profiles:
            smi("mig", "-i", gpu, "-cgi", ",".join(profiles), "-C")


def switch(gpu, mode):
    """Switch a GPU's MIG mode, now."""
    smi("-i", gpu, "-mig", "1" if mode == "Enabled" else "0")
    if dict(query("index", "mig.mode.current"))[gpu] != mode:
        raise GpuError(
            f"MIG of GPU {gpu} is {mode.lower()} only after a reset; fix: drain the node, stop "
            "what watches the GPU (DCGM, nvidia-persistenced), and run "
            f"`nvidia-smi --gpu-reset -i {gpu}` or reboot; then run site.yml again"
        )


def refuse_if_used(gpus):
    """Raise where anything on the node uses a GPU."""
    if used := users():
        raise GpuError(
            f"GPU {', '.join(gpus)} cannot be divided anew while {'; '.join(used)} use GPUs; fix: "
            "drain the node (ansible-playbook drain.yml --limit NODE), then run site.yml again"
        )


def check_order(wanted, found):
    """Raise where the driver lists instances otherwise than the inventory does."""
    for gpu, profiles in found.items():
        if wanted.get(gpu, []) != profiles:
            raise GpuError(
                f"GPU {gpu} is divided into {', '.join(profiles) or 'nothing'} by the driver, not "
                f"into {', '.join(wanted.get(gpu, [])) or 'nothing'}; fix: write fleet_mig in the "
                f"driver's order: {{{gpu}: [{', '.join(profiles)}]}}"
            )


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
            refuse_if_used(gpus)
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
