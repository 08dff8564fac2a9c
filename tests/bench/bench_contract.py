"""The contract: `fleet validate` and `fleet plan` beside `ansible-inventory --list`.

All three read the same inventories, of 1,000 and 10,000 nodes with 8 GPUs each, as YAML and as INI.
They run in turn, each round in another order, so that what else the machine does meets all alike.
Compare the ratios: times of one machine say nothing of another.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.own_contract import SPEC, SPEC_FILE

GPUS = 8
# Nodes → rounds: the more of them, the longer a round takes.
ROUNDS = {1_000: 5, 10_000: 3}
_BIN = Path(sys.executable).parent
_COMMANDS = {
    "ansible": [_BIN / "ansible-inventory", "--list", "-i"],
    "validate": [_BIN / "fleet", "validate", "-i"],
    "plan": [_BIN / "fleet", "plan", "--offline", "--json", "-i"],
}
_VARIABLES = {
    "fleet_registry": "registry.example.com",
    "fleet_queues_file": str(SPEC_FILE),
    "queues_config_file": "/clearml.conf",
}


@dataclass(frozen=True)
class _Cost:
    """What a command took: CPU and elapsed time in seconds, its largest resident memory in MB."""

    cpu_s: float
    wall_s: float
    memory_mb: float


def run(echo: Callable[[str], None]) -> dict[str, float]:
    """Measure all of it."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, write in (("yaml", _write_yaml), ("ini", _write_ini)):
            for nodes, rounds in ROUNDS.items():
                inventory = Path(folder) / f"{kind}-{nodes}"
                inventory.mkdir()
                _write_variables(inventory)
                write(inventory / "hosts", nodes)
                echo(f"{nodes} nodes as {kind}, {rounds} rounds")
                figures |= _ratios(f"{kind}_{nodes}", inventory, rounds)
            for command in _COMMANDS:
                few, many = (figures[f"{kind}_{nodes}_{command}_cpu_s"] for nodes in ROUNDS)
                figures[f"{kind}_{command}_growth"] = many / few
    return figures


def _ratios(name: str, inventory: Path, rounds: int) -> dict[str, float]:
    costs: dict[str, list[_Cost]] = {command: [] for command in _COMMANDS}
    for turn in range(rounds):
        order = list(_COMMANDS)
        for command in order[turn % 3 :] + order[: turn % 3]:
            costs[command].append(_measure([*_COMMANDS[command], inventory]))
    figures: dict[str, float] = {}
    for command, found in costs.items():
        for part in ("cpu_s", "wall_s", "memory_mb"):
            middle = statistics.median(getattr(cost, part) for cost in found)
            figures[f"{name}_{command}_{part}"] = middle
            if command != "ansible":
                ratio = middle / figures[f"{name}_ansible_{part}"]
                figures[f"{name}_{command}_{part.rpartition('_')[0]}_ratio"] = ratio
    return figures


def _measure(command: list[str | Path]) -> _Cost:
    started = time.monotonic()
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said) as process,
    ):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(f"{command}: {said.read().decode(errors='replace')[-2000:]}")
    return _Cost(
        cpu_s=usage.ru_utime + usage.ru_stime,
        wall_s=time.monotonic() - started,
        memory_mb=usage.ru_maxrss / 1024,
    )


def _write_variables(inventory: Path) -> None:
    digests = inventory / ".digests"
    sha, inputs = "sha256:" + "1" * 64, "1" * 64
    digests.write_text(
        "images:\n"
        + "".join(
            f"  {name}: {{repository: {image.repository}, digest: '{sha}', inputs: '{inputs}'}}\n"
            for name, image in SPEC.images.items()
        )
    )
    folder = inventory / "group_vars"
    folder.mkdir()
    variables = _VARIABLES | {"fleet_digests_file": str(digests)}
    lines = (f'{name}: "{value}"\n' for name, value in variables.items())
    (folder / "all.yml").write_text("".join(lines))


def _hosts(nodes: int) -> Iterator[tuple[str, str]]:
    """Names and addresses."""
    for number in range(nodes):
        yield f"gpu-{number:05}", f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def _write_yaml(file: Path, nodes: int) -> None:
    with file.with_suffix(".yml").open("w") as stream:
        stream.write("all:\n  children:\n    controllers: {hosts: {controller-1: }}\n")
        stream.write("    cpu_nodes: {hosts: {cpu-1: }}\n    gpu_nodes:\n      hosts:\n")
        for name, address in _hosts(nodes):
            stream.write(f"        {name}:\n          ansible_host: {address}\n")
            stream.write(f"          fleet_gpus: {GPUS}\n")


def _write_ini(file: Path, nodes: int) -> None:
    with file.open("w") as stream:
        stream.write("[controllers]\ncontroller-1\n[cpu_nodes]\ncpu-1\n[gpu_nodes]\n")
        for name, address in _hosts(nodes):
            stream.write(f"{name} ansible_host={address} fleet_gpus={GPUS}\n")
