"""The operator's verbs on real nodes: drain, undrain, status, upgrade, remove-node, reset."""

from __future__ import annotations

import re
import signal
import subprocess

import pytest

from fleet.smoke.tasks import SMOKE_TAG
from tests.e2e.work import await_end, begin, enqueue, log, read, rest_of, until, was_put_back

DRAINED, QUEUE = "gpu-1", "gpu-train"
OTHER, OTHER_QUEUE = "cpu-1", "cpu-infer"


@pytest.fixture
def undrained(fleet):
    yield
    done = fleet.playbook("undrain.yml", "--limit", DRAINED)
    assert done.returncode == 0, done.stdout[-4000:]


def test_a_drained_node_finishes_its_task_takes_no_more_and_everybody_is_told(fleet, undrained):
    task, _, _ = begin(fleet, QUEUE, 25)
    drain = ("drain.yml", "--limit", DRAINED, "-e", "fleet_reason='a new disk'")

    hasty = fleet.playbook(*drain, "-e", "fleet_wait_for_tasks=5")

    assert hasty.returncode != 0
    assert task in hasty.stdout
    assert read(fleet, task)["status"] == "in_progress"
    assert '"draining"' in fleet.on_node(
        DRAINED, "docker", "exec", fleet.agent(f"{DRAINED}-0"), "fleet-agent", "state"
    )

    done = fleet.playbook(*drain)

    assert done.returncode == 0, done.stdout[-4000:]
    assert read(fleet, task)["status"] == "completed"
    waits = enqueue(fleet, QUEUE, 0)
    until(lambda: rest_of(fleet, f"{DRAINED}:0"), "the worker's word", 30)
    assert rest_of(fleet, f"{DRAINED}:0")["why"] == "a new disk"
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


@pytest.mark.parametrize(
    "verb", ["drain", "undrain", "upgrade", "remove-node", "reset", "smoke", "status"]
)
def test_a_verb_that_is_tried_dry_changes_nothing(fleet, verb):
    agent = fleet.agent(f"{DRAINED}-0")
    left = _left(fleet)

    done = fleet.playbook(f"{verb}.yml", "--limit", DRAINED, "--check", "--diff")

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert fleet.agent(f"{DRAINED}-0") == agent
    assert _left(fleet) == left
    assert f"{DRAINED}:0" in _workers(fleet, DRAINED)
    assert rest_of(fleet, f"{DRAINED}:0") == {}


def test_an_upgrade_that_is_interrupted_is_made_up_for_by_the_next(fleet):
    waits, _, _ = begin(fleet, QUEUE, 25)
    upgrade = fleet.begin_playbook("upgrade.yml", "--limit", DRAINED)
    try:
        until(lambda: rest_of(fleet, f"{DRAINED}:0"), "the drain", 60)
        upgrade.send_signal(signal.SIGINT)
        assert upgrade.wait(60) != 0
    finally:
        upgrade.kill()
    assert read(fleet, waits)["status"] == "in_progress"
    assert rest_of(fleet, f"{DRAINED}:0")["by"] == "upgrade.yml"

    done = fleet.playbook("upgrade.yml", "--limit", DRAINED)

    assert done.returncode == 0, done.stdout[-4000:]
    assert read(fleet, waits)["status"] == "completed"
    until(lambda: not rest_of(fleet, f"{DRAINED}:0"), "the end of the drain", 60)
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
        assert _workers(fleet, node) == []
        fleet.api("tasks.dequeue", task=task)
    finally:
        subprocess.run(["docker", "start", container], check=True, capture_output=True, timeout=60)
    until(lambda: _answers(fleet, node), "the node", 90)


def test_a_node_that_answers_is_removed_and_its_task_waits_for_another(fleet):
    task, _, _ = begin(fleet, OTHER_QUEUE, 15)

    done = fleet.playbook("remove-node.yml", "--limit", OTHER, "-e", "fleet_put_back=true")

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert f"Take the line of {OTHER}" in " ".join(done.stdout.split())
    found = read(fleet, task)
    assert found["status"] == "queued"
    assert was_put_back(found)
    assert _workers(fleet, OTHER) == []
    assert fleet.on_node(OTHER, "docker", "ps", "--all", "--quiet") == ""
    assert fleet.on_node(OTHER, "find /etc/fleet /var/lib/fleet -name '*clearml*' || :") == ""
    assert f"+ {OTHER}:0" in fleet.cli("plan").stdout

    back = fleet.playbook("site.yml", "--limit", OTHER)
    assert back.returncode == 0, back.stdout[-4000:]
    assert await_end(fleet, task)["status"] == "completed"


def test_a_node_that_is_reset_has_nothing_of_the_fleet_and_site_brings_it_back(fleet):
    done = fleet.playbook("reset.yml", "--limit", DRAINED)
    assert done.returncode != 0, "nobody said yes"
    task, _, _ = begin(fleet, QUEUE, 15)

    done = fleet.playbook("reset.yml", "--limit", DRAINED, "-e", "fleet_yes=true")

    assert done.returncode == 0, done.stdout[-4000:]
    assert _left(fleet) == ""
    assert fleet.on_node(DRAINED, "docker", "ps", "--all", "--quiet") == ""
    assert was_put_back(read(fleet, task))
    back = fleet.playbook("site.yml", "--limit", DRAINED)
    assert back.returncode == 0, back.stdout[-4000:]
    assert await_end(fleet, task)["status"] == "completed"
    assert f"+ {DRAINED}:0" not in fleet.cli("plan").stdout


def test_a_bare_node_is_tried_dry_and_then_goes_to_its_first_task(fleet):
    # One that has nothing in hand need not be waited for.
    gone = fleet.playbook("remove-node.yml", "--limit", DRAINED)
    assert gone.returncode == 0, gone.stdout[-4000:]
    assert _workers(fleet, DRAINED) == []
    docker = ("-e", "fleet_yes=true", "-e", "fleet_reset_docker=true")
    bare = fleet.playbook("reset.yml", "--limit", DRAINED, *docker)
    assert bare.returncode == 0, bare.stdout[-4000:]
    assert fleet.on_node(DRAINED, "command -v docker dockerd || echo none").strip() == "none"
    waits = enqueue(fleet, QUEUE, 0)

    dry = fleet.playbook("site.yml", "--limit", DRAINED, "--check", "--diff")
    assert dry.returncode == 0, dry.stdout[-4000:] + dry.stderr[-2000:]
    assert _left(fleet) == ""
    done = fleet.playbook("site.yml", "--limit", DRAINED)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]

    assert await_end(fleet, waits)["status"] == "completed"
    again = fleet.playbook("site.yml", "--limit", DRAINED)
    assert re.search(rf"^{DRAINED} .*changed=0 .*failed=0", again.stdout, re.MULTILINE), (
        again.stdout
    )


def test_a_tag_does_its_own_part_and_no_other(fleet):
    files = ("/etc/docker/daemon.json", "/etc/fleet/upkeep.json")
    before = fleet.on_node(DRAINED, "stat", "-c", "%a", *files).split()
    fleet.on_node(DRAINED, "chmod", "0601", *files)

    done = fleet.playbook("site.yml", "--limit", DRAINED, "--skip-tags", "docker")
    assert done.returncode == 0, done.stdout[-4000:]
    assert fleet.on_node(DRAINED, "stat", "-c", "%a", *files).split() == ["601", before[1]]

    done = fleet.playbook("site.yml", "--limit", DRAINED, "--tags", "docker")
    assert done.returncode == 0, done.stdout[-4000:]
    assert fleet.on_node(DRAINED, "stat", "-c", "%a", *files).split() == before

    fleet.on_node(DRAINED, "docker", "rm", "--force", fleet.agent(f"{DRAINED}-0"))
    proven = _proofs(fleet)
    agents = ("--tags", "clearml_agent", "--skip-tags", "smoke")
    done = fleet.playbook("site.yml", "--limit", DRAINED, *agents)
    assert done.returncode == 0, done.stdout[-4000:]
    assert _proofs(fleet) == proven
    # The slot has a new agent, which nobody has proven yet.
    done = fleet.playbook("site.yml", "--limit", DRAINED, "--tags", "smoke")
    assert done.returncode == 0, done.stdout[-4000:]
    assert len(_proofs(fleet) - proven) == 1


def _answers(fleet, node: str) -> bool:
    try:
        return fleet.on_node(node, "systemctl", "is-active", "docker").strip() == "active"
    except AssertionError:
        return False


def _workers(fleet, node: str) -> list[str]:
    workers = fleet.api("workers.get_all", last_seen=0)["workers"]
    return [worker["id"] for worker in workers if worker["id"].startswith(f"{node}:")]


def _proofs(fleet) -> set[str]:
    """The smoke tasks that agents of the node have completed."""
    found = fleet.api(
        "tasks.get_all",
        tags=[SMOKE_TAG],
        status=["completed"],
        only_fields=["id", "last_worker"],
        search_hidden=True,
    )
    return {task["id"] for task in found["tasks"] if task["last_worker"].startswith(f"{DRAINED}:")}


def _left(fleet) -> str:
    """What a node still has of the fleet's own files."""
    files = "/etc/fleet /var/lib/fleet /usr/local/lib/fleet /etc/systemd/system/*fleet*"
    return fleet.on_node(DRAINED, f"{{ ls -d {files} || :; }} 2>/dev/null")
