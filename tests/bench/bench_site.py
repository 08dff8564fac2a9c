"""`site.yml` on nodes that match, on nodes that are done again, and a plain playbook beside it.

The plain playbook has a task for each thing and `docker_container` for each slot. All three run
over the same inventories of 3, 20 and 50 names, which share the three nodes of a local fleet: each
name is a host to Ansible, with a plan and a comparison of its own. They run in turn, each round in
another order. Compare the ratios: times of one machine say nothing of another.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from fleet.paths import REPOSITORY, STATE
from tests.bench.processes import output

NAME = "bench-site"
# Names in the inventory → rounds.
ROUNDS = {3: 3, 20: 2, 50: 2}
NODES = {"controller-1": "controllers", "cpu-1": "cpu_nodes", "cpu-2": "cpu_nodes"}

_HERE = Path(__file__).parent / "site"
_BIN = Path(sys.executable).parent
_EXTRA = {"fleet_machines_command": [], "fleet_serial": "100%"}
_PLAYBOOKS = {
    "match": ["site.yml"],
    "forced": ["site.yml", "-e", "fleet_force=true"],
    "plain": [str(_HERE / "plain.yml")],
}
_CLEAR = (
    "docker ps -aq --filter name=^bench-plain- | xargs -r docker rm -f; "
    "rm -rf /etc/bench-plain /etc/docker/bench-plain.json /var/lib/bench-plain"
)
#: The plan of the node that a name stands for.
_PLAN = (
    "{{ fleet_queues_file | fleet_plan(bench_node, group_names, fleet_registry,"
    " fleet_digests_file) }}"
)


def run(echo: Callable[[str], None]) -> dict[str, float]:
    """Measure on a fleet of its own, and remove that again."""
    real = _write_inventory(STATE / f"{NAME}-inventory", len(NODES), names=list(NODES))
    try:
        echo("a fleet of three nodes")
        _run([_BIN / "fleet", "local", "up", "--no-run", "--inventory", real], REPOSITORY)
        return measure(echo)
    finally:
        _run([_BIN / "fleet", "local", "down", "--keep-images"], REPOSITORY)
        shutil.rmtree(real, ignore_errors=True)


def measure(echo: Callable[[str], None]) -> dict[str, float]:
    """Measure on the fleet that is up."""
    figures: dict[str, float] = {}
    folder = STATE / f"{NAME}-names"
    try:
        # Nodes as both leave them.
        _write_inventory(folder, len(NODES))
        for playbook in ("match", "plain"):
            _play(folder, playbook)
        for hosts, rounds in ROUNDS.items():
            _write_inventory(folder, hosts)
            echo(f"{hosts} hosts, {rounds} rounds")
            figures |= _compare(folder, hosts, rounds, echo)
    finally:
        _write_inventory(folder, len(NODES))
        command = ["-i", str(folder), "all", "-m", "ansible.builtin.shell", "-a", _CLEAR]
        _run([_BIN / "ansible", *command], REPOSITORY / "ansible")
        shutil.rmtree(folder, ignore_errors=True)
    return figures


def _compare(
    folder: Path, hosts: int, rounds: int, echo: Callable[[str], None]
) -> dict[str, float]:
    seconds: dict[str, list[float]] = {playbook: [] for playbook in _PLAYBOOKS}
    figures: dict[str, float] = {}
    for turn in range(rounds):
        order = list(_PLAYBOOKS)
        for playbook in order[turn % 3 :] + order[: turn % 3]:
            took, counted = _play(folder, playbook)
            echo(f"  {playbook} {took:.0f} s")
            seconds[playbook].append(took)
            tasks = counted["tasks"].values()
            figures[f"{playbook}_{hosts}_tasks_mean"] = sum(tasks) / hosts
            figures[f"{playbook}_{hosts}_tasks_most"] = max(tasks)
            figures[f"{playbook}_{hosts}_loop_items_mean"] = sum(counted["items"].values()) / hosts
    for playbook, found in seconds.items():
        figures[f"{playbook}_{hosts}_s"] = statistics.median(found)
    for playbook in ("forced", "plain"):
        ratio = figures[f"{playbook}_{hosts}_s"] / figures[f"match_{hosts}_s"]
        figures[f"{playbook}_to_match_{hosts}"] = ratio
    return figures


def _play(folder: Path, playbook: str) -> tuple[float, dict[str, dict[str, int]]]:
    with tempfile.NamedTemporaryFile() as counted:
        environment = {
            "ANSIBLE_CALLBACK_PLUGINS": str(_HERE / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "count_tasks",
            "COUNT_TASKS_FILE": counted.name,
        }
        command = [_BIN / "ansible-playbook", "-i", folder, "-e", json.dumps(_EXTRA)]
        started = time.monotonic()
        _run([*command, *_PLAYBOOKS[playbook]], REPOSITORY / "ansible", **environment)
        return time.monotonic() - started, json.loads(Path(counted.name).read_text())


def _write_inventory(folder: Path, hosts: int, *, names: list[str] | None = None) -> Path:
    """An inventory of the local fleet: its real nodes, or many names that share them."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(REPOSITORY / "inventories" / "local", folder)
    groups: dict[str, dict[str, dict]] = {group: {} for group in NODES.values()}
    nodes = list(NODES.items())
    for number in range(hosts):
        node, group = nodes[number % len(nodes)]
        if names is not None:
            groups[group][node] = {}
        else:
            stands_for = {"ansible_host": node, "bench_node": node, "clearml_agent_plan": _PLAN}
            groups[group][f"name-{number:02}"] = stands_for
    children = {group: {"hosts": found} for group, found in groups.items()}
    (folder / "hosts.yml").write_text(json.dumps({"all": {"children": children}}, indent=1))
    return folder


def _run(command: list[str | Path], folder: Path, **environment: str) -> None:
    kept = {key: value for key, value in os.environ.items() if key != "CLEARML_CONFIG_FILE"}
    ours = {"FLEET_LOCAL_NAME": NAME, "ANSIBLE_NOCOLOR": "1"}
    output(command, folder=folder, environment={**kept, **ours, **environment})
