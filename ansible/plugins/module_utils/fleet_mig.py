"""GPUs divided by MIG as they should be: by site.yml, and again after each boot of the node."""

from __future__ import annotations

from ansible.module_utils.fleet_gpus import GpuError, parse_gpus, query, smi


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


def refuse_if_used(gpus, used):
    """Raise where anything on the node uses a GPU, as `used` tells."""
    if used:
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
