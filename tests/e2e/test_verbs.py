"""The operator's verbs on real nodes: drain, undrain, status, upgrade, remove-node, reset."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.e2e.work import await_end, begin, enqueue, log, read, until, was_put_back

DRAINED, QUEUE = "gpu-1", "gpu-train"


@pytest.fixture
def undrained(fleet):
    yield
    done = fleet.playbook("undrain.yml", "--limit", DRAINED)
    assert done.returncode == 0, done.stdout[-4000:]


def test_a_drained_node_finishes_its_task_takes_no_more_and_everybody_is_told(fleet, undrained):
    task, _, _ = begin(fleet, QUEUE, 8)

    done = fleet.playbook("drain.yml", "--limit", DRAINED, "-e", "fleet_reason='a new disk'")

    assert done.returncode == 0, done.stdout[-4000:]
    assert read(fleet, task)["status"] == "completed"
    waits = enqueue(fleet, QUEUE, 0)
    until(lambda: _rest(fleet, f"{DRAINED}:0"), "the worker's word", 30)
    assert _rest(fleet, f"{DRAINED}:0")["why"] == "a new disk"
    refused = fleet.cli("run", "training", "--queue", QUEUE)
    assert refused.returncode == 1
    for told in ("has no live agent", "a new disk", f"undrain.yml --limit {DRAINED}"):
        assert told in refused.stderr
    explained = fleet.result("explain", "node", DRAINED)["explanation"]
    assert "takes no tasks for now: drained by" in explained
    assert "All agents of" in fleet.result("explain", "task", waits)["explanation"]
    # A difference from what is declared it is not, and site.yml leaves it drained.
    plan = fleet.cli("plan")
    assert f"~ {DRAINED}:0" not in plan.stdout
    assert "take no tasks for now" in plan.stdout
    assert read(fleet, waits)["status"] == "queued"

    back = fleet.playbook("undrain.yml", "--limit", DRAINED)
    assert back.returncode == 0, back.stdout[-4000:]
    assert await_end(fleet, waits)["status"] == "completed"


def test_an_upgrade_drains_each_node_and_brings_it_back(fleet):
    done = fleet.playbook("upgrade.yml", "--limit", DRAINED)
    assert done.returncode == 0, done.stdout[-4000:]
    task, _, _ = begin(fleet, QUEUE, 0)
    assert await_end(fleet, task)["status"] == "completed"


def test_a_node_whose_upgrade_fails_goes_back_to_work_and_the_play_fails(fleet):
    no_such = "docker_engine_version=99.9"
    done = fleet.playbook("upgrade.yml", "--limit", DRAINED, "-e", no_such)
    assert done.returncode != 0
    assert "takes tasks again" in " ".join((done.stdout + done.stderr).split())
    task, _, _ = begin(fleet, QUEUE, 0)
    assert await_end(fleet, task)["status"] == "completed"


def test_nodes_are_named_for_what_takes_them_away(fleet):
    for verb in ("remove-node.yml", "reset.yml"):
        done = fleet.playbook(verb)
        assert done.returncode != 0
        assert "--limit NODE" in done.stdout + done.stderr


def test_a_dead_node_is_removed_and_what_it_had_in_hand_runs_elsewhere(fleet):
    task, node, _ = begin(fleet, QUEUE, 300)
    container = f"fleet-{fleet.name}-{node}"
    subprocess.run(["docker", "kill", container], check=True, capture_output=True, timeout=60)
    try:
        told = fleet.playbook("status.yml")
        assert told.returncode == 0, told.stdout[-4000:]
        assert "it cannot be reached" in told.stdout

        done = fleet.playbook("remove-node.yml", "--limit", node, "-e", "fleet_silent_seconds=45")

        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        said = " ".join(done.stdout.split())
        assert f"task {task}" in said
        assert "Take the line of" in said
        found = read(fleet, task)
        assert found["status"] == "queued"
        assert was_put_back(found)
        assert "its node is gone" in log(fleet, task)
        workers = fleet.api("workers.get_all", last_seen=0)["workers"]
        assert not [worker for worker in workers if worker["id"].startswith(f"{node}:")]
        fleet.api("tasks.dequeue", task=task)
    finally:
        subprocess.run(["docker", "start", container], check=True, capture_output=True, timeout=60)
    until(lambda: _answers(fleet, node), "the node", 90)


def test_a_node_that_is_reset_has_nothing_of_the_fleet_and_site_brings_it_back(fleet):
    done = fleet.playbook("reset.yml", "--limit", DRAINED)
    assert done.returncode != 0, "nobody said yes"

    done = fleet.playbook("reset.yml", "--limit", DRAINED, "-e", "fleet_yes=true")

    assert done.returncode == 0, done.stdout[-4000:]
    left = "ls -d /etc/fleet /var/lib/fleet /usr/local/lib/fleet /etc/systemd/system/*fleet* || :"
    assert fleet.on_node(DRAINED, f"{{ {left}; }} 2>/dev/null") == ""
    assert fleet.on_node(DRAINED, "docker", "ps", "--all", "--quiet") == ""
    back = fleet.playbook("site.yml", "--limit", DRAINED)
    assert back.returncode == 0, back.stdout[-4000:]
    assert f"+ {DRAINED}:0" not in fleet.cli("plan").stdout


def _rest(fleet, worker: str) -> dict:
    # Exit code 2 says that something else differs, such as templates that are not published.
    return json.loads(fleet.cli("plan", "--json").stdout)["resting"].get(worker, {})


def _answers(fleet, node: str) -> bool:
    try:
        return fleet.on_node(node, "systemctl", "is-active", "docker").strip() == "active"
    except AssertionError:
        return False
