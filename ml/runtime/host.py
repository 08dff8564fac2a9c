"""The machine that a step runs on, as far as numbers may depend on it."""

from __future__ import annotations

import functools
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CPU = "cpu"
# how far numbers of a GPU may be apart, as a share, where nothing else is known of a model
GPU_TOLERANCE = 1e-3

_CPU_INFO = Path("/proc/cpuinfo")
_ASK = ("--query-gpu=name,driver_version", "--format=csv,noheader")
_SECONDS = 20


@dataclass(frozen=True)
class Gpu:
    """A GPU that this process may use: the device's name, and the driver's version."""

    name: str
    driver: str


def cpu_model(path: Path = _CPU_INFO) -> str:
    """What the processor is called; its architecture where the kernel does not say."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


@functools.cache
def gpus() -> tuple[Gpu, ...]:
    """The GPUs that the driver shows here; none where there is no driver."""
    program = shutil.which("nvidia-smi")
    if not program:
        return ()
    try:
        told = subprocess.run(
            [program, *_ASK], capture_output=True, text=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    rows = (line.split(",") for line in told.stdout.splitlines())
    return tuple(Gpu(row[0].strip(), row[1].strip()) for row in rows if len(row) == 2)
