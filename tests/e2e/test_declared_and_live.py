"""queues.yml and an inventory against a fleet that runs: what differs is seen, and put right.

Uses the fleet of the other tests, before the last of them takes it down.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.paths import REPOSITORY, STATE
from fleet.smoke.tasks import SMOKE_TAG

_EQUAL, _DRIFT = 0, 2


@pytest.fixture
def inventory() -> Iterator[Path]:
    """A copy of the local inventory, as deep in the checkout as the original."""
    copy = STATE / "e2e-inventory"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(REPOSITORY / "inventories" / "local", copy)
    yield copy
    shutil.rmtree(copy)


def test_a_fleet_that_was_just_provisioned_is_what_was_declared(fleet):
    done = fleet.cli("plan")
    assert done.returncode == _EQUAL, done.stdout + done.stderr
    assert "No differences" in done.stdout


def test_one_line_of_the_inventory_adds_a_node(fleet, inventory):
    hosts = inventory / "hosts.yml"
    text = hosts.read_text()
    hosts.write_text(text.replace("        cpu-1:\n", "        cpu-1:\n        cpu-2:\n"))
    assert len(hosts.read_text().splitlines()) == len(text.splitlines()) + 1

    found = fleet.cli("plan", "-i", str(inventory))
    assert found.returncode == _DRIFT, found.stdout + found.stderr
    assert "+ cpu-2:0" in found.stdout
    assert "2 to add, 0 to change, 0 to remove, 0 unknown" in found.stdout

    agent = fleet.agent("cpu-1-0")
    started = fleet.on_node("cpu-1", "docker", "inspect", "-f", "{{.State.StartedAt}}", agent)
    proven = _smoke_tasks(fleet)
    done = fleet.playbook("-i", str(inventory), "site.yml", "--limit", "cpu-2")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    # It ends with a task on each slot that is new, and on no other.
    made = {id_: task for id_, task in _smoke_tasks(fleet).items() if id_ not in proven}
    assert sorted(task["last_worker"] for task in made.values()) == ["cpu-2:0", "cpu-2:1"]
    assert {task["status"] for task in made.values()} == {"completed"}
    again = fleet.playbook("-i", str(inventory), "site.yml", "--limit", "cpu-2")
    assert "changed=0" in again.stdout, again.stdout[-4000:]

    equal = fleet.cli("plan", "-i", str(inventory))
    assert equal.returncode == _EQUAL, equal.stdout + equal.stderr
    assert "cpu-2:1" in fleet.on_node("cpu-2", "docker", "inspect", fleet.agent("cpu-2-1"))
    # Nobody else was touched.
    assert started == fleet.on_node(
        "cpu-1", "docker", "inspect", "-f", "{{.State.StartedAt}}", agent
    )


def test_a_node_whose_line_is_gone_is_unknown_until_its_machine_is(fleet):
    found = fleet.cli("plan", "--json")
    assert found.returncode == _DRIFT
    assert '"cpu-2:0"' in found.stdout
    done = fleet.cli("local", "nodes", "--prune")
    assert done.returncode == 0, done.stderr
    assert "cpu-2" in done.stdout


def test_an_agent_that_was_stopped_by_hand_shows(fleet):
    fleet.on_node("cpu-1", "docker", "stop", fleet.agent("cpu-1-1"))
    try:
        found = fleet.cli("plan")
        assert found.returncode == _DRIFT, found.stdout + found.stderr
        assert "+ cpu-1:1" in found.stdout
    finally:
        done = fleet.playbook("site.yml", "--limit", "cpu-1")
    assert done.returncode == 0, done.stdout[-4000:]
    assert "+ cpu-1:1" not in fleet.cli("plan").stdout


def test_what_was_touched_by_hand_on_a_node_is_put_right_and_nothing_else(fleet):
    fleet.on_node("cpu-1", "chmod", "0600", "/etc/docker/daemon.json")
    before = fleet.agent("cpu-1-0")
    dry = fleet.playbook("site.yml", "--limit", "cpu-1", "--check", "--diff")
    assert dry.returncode == 0, dry.stdout[-4000:]
    assert "docker : Ensure Docker's options are set" in dry.stdout
    assert "clearml_agent : " not in dry.stdout

    done = fleet.playbook("site.yml", "--limit", "cpu-1")
    # The file, and with it a restart of Docker, which the agents live through.
    assert "changed=1" in done.stdout, done.stdout[-4000:]
    assert fleet.on_node("cpu-1", "stat", "-c", "%a", "/etc/docker/daemon.json").strip() == "644"
    assert fleet.agent("cpu-1-0") == before


def test_a_busy_agent_hands_its_slot_over_when_its_task_is_over(fleet):
    task = _sleeper(fleet, seconds=90)
    worker = _worker(fleet, task)
    node, slot = worker.split(":")
    old = fleet.agent(f"{node}-{slot}")

    # Any setting of an agent will do: what is set otherwise is another generation.
    other = ("-e", "clearml_agent_stop_grace_period=23h", "--skip-tags", "smoke")
    done = fleet.playbook("site.yml", "--limit", node, *other)
    assert done.returncode == 0, done.stdout[-4000:]
    assert f"{old} finishes task {task}" in " ".join(done.stderr.split())
    new = fleet.agent(f"{node}-{slot}")
    assert new != old
    assert '"standing-by"' in fleet.on_node(node, "docker", "exec", new, "fleet-agent", "state")
    again = fleet.playbook("site.yml", "--limit", node, *other)
    assert "changed=0" in again.stdout, again.stdout[-4000:]

    assert _await_status(fleet, task) == "completed"
    for _ in range(60):
        state = fleet.on_node(node, "docker", "exec", new, "fleet-agent", "state")
        if '"idle"' in state:
            break
        time.sleep(1)
    assert '"idle"' in state
    # Back to what was declared, for the tests that follow.
    assert fleet.playbook("site.yml", "--limit", node).returncode == 0


def test_a_stray_queue_shows_and_is_pruned_only_when_that_is_asked_for(fleet):
    fleet.api("queues.create", name="stray-queue")
    found = fleet.cli("plan")
    assert found.returncode == _DRIFT, found.stdout + found.stderr
    assert "? stray-queue" in found.stdout

    kept = fleet.playbook("site.yml", "--tags", "queues")
    assert "stray-queue: empty, nobody polls it" in " ".join(kept.stderr.split())
    # For queues alone no node is asked.
    assert "Ensure the machine can be a node" not in kept.stdout
    assert "stray-queue" in _queues(fleet)

    pruned = fleet.playbook("site.yml", "--tags", "queues", "-e", "fleet_prune=true")
    assert pruned.returncode == 0, pruned.stdout[-4000:]
    assert "stray-queue" not in _queues(fleet)


def _smoke_tasks(fleet) -> dict[str, dict]:
    fields = ["id", "status", "last_worker"]
    wanted = {"tags": [SMOKE_TAG], "only_fields": fields, "search_hidden": True, "page_size": 100}
    return {task["id"]: task for task in fleet.api("tasks.get_all", page=0, **wanted)["tasks"]}


def _queues(fleet) -> set[str]:
    return {queue["name"] for queue in fleet.api("queues.get_all")["queues"]}


def _sleeper(fleet, seconds: int) -> str:
    code = f"import time\nfrom clearml import Task\nTask.init()\ntime.sleep({seconds})\n"
    script = {"binary": "python3", "entry_point": "sleep.py", "working_dir": ".", "diff": code}
    queues = {q["name"]: q["id"] for q in fleet.api("queues.get_all")["queues"]}
    task = fleet.api("tasks.create", name="sleeper", type="testing", script=script)["id"]
    fleet.api("tasks.enqueue", task=task, queue=queues["cpu-train"])
    return task


def _worker(fleet, task: str) -> str:
    for _ in range(60):
        found = fleet.api("tasks.get_by_id", task=task)["task"]
        if found["status"] == "in_progress":
            return found["last_worker"]
        time.sleep(1)
    pytest.fail(f"no agent took {task}")


def _await_status(fleet, task: str) -> str:
    for _ in range(180):
        status = fleet.api("tasks.get_by_id", task=task)["task"]["status"]
        if status in ("completed", "failed", "stopped"):
            return status
        time.sleep(1)
    pytest.fail(f"{task} did not end")
