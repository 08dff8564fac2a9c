"""The GPUs of a node, as its NVIDIA driver tells of them, and what uses them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

_GPU = re.compile(r"GPU (\d+): ")
_INSTANCE = re.compile(r"\s+MIG (\S+)\s+Device\s+\d+:")


class GpuError(Exception):
    """Something that the operator can mend; the message says what and how."""


def smi(*arguments, check=True):
    """Run nvidia-smi; what it printed.

    Raises
    ------
    GpuError
        There is none, or it failed.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        raise GpuError(
            "no NVIDIA driver is installed (there is no nvidia-smi); fix: install the driver that "
            "your system or your vendor gives, reboot, and see that `nvidia-smi -L` lists the GPUs"
        )
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise GpuError(
            f"`nvidia-smi {' '.join(arguments)}` failed: {(done.stdout + done.stderr).strip()}; "
            "fix: where it does not reach the driver, reboot into the kernel that the driver was "
            "built for, or install the driver again"
        )
    return done.stdout


def query(*fields):
    """One list of texts for each GPU."""
    table = smi(f"--query-gpu={','.join(fields)}", "--format=csv,noheader")
    return [[cell.strip() for cell in line.split(",")] for line in table.splitlines() if line]


def parse_gpus(listing):
    """Number of GPUs, and the MIG profiles of those that are divided, of `nvidia-smi -L`.

    Returns
    -------
    tuple of int and dict of str to list of str
        GPUs, and GPU → profiles of its instances in the driver's order.
    """
    gpus, mig = 0, {}
    for line in listing.splitlines():
        if gpu := _GPU.match(line):
            gpus, index = gpus + 1, gpu[1]
        elif (instance := _INSTANCE.match(line)) and gpus:
            mig.setdefault(index, []).append(instance[1])
    return gpus, mig


def users():
    """What uses a GPU now: processes, and containers that own one, even if they do not yet."""
    return [*processes(), *_containers()]


def processes():
    """Processes that use a GPU now, without asking Docker."""
    lines = smi("--query-compute-apps=pid,process_name", "--format=csv,noheader", check=False)
    found = [line.partition(",") for line in lines.splitlines() if line.strip()[:1].isdigit()]
    return [f"process {pid.strip()} ({name.strip()})" for pid, _, name in found]


def _containers():
    if shutil.which("docker") is None:
        return []
    running = _docker("ps", "--quiet")
    if not running:
        return []
    form = "{{.Name}}\t{{.HostConfig.Runtime}}\t{{json .HostConfig.DeviceRequests}}"
    found = []
    for line in _docker("inspect", f"--format={form}", *running.split()).splitlines():
        name, runtime, requests = line.split("\t")
        if runtime == "nvidia" or json.loads(requests):
            found.append(f"container {name.lstrip('/')}")
    return found


def _docker(*arguments):
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()
