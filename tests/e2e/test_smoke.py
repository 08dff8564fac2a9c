"""Slots are proven by a real task, on real nodes: what is right passes, what is wrong is named."""

from __future__ import annotations

import time

import pytest
import yaml

from fleet.paths import REPOSITORY
from fleet.smoke.tasks import SMOKE_TAG

NODE = "cpu-1"
QUEUE = "cpu-train"


def smoke_tasks(fleet) -> list[dict]:
    """The smoke tasks on the server, the newest first."""
    fields = ["id", "name", "status", "last_worker", "container", "script.version_num"]
    return fleet.api(
        "tasks.get_all",
        tags=[SMOKE_TAG],
        order_by=["-created"],
        only_fields=fields,
        search_hidden=True,
        page=0,
        page_size=100,
    )["tasks"]


def test_each_slot_of_a_node_runs_its_task_from_its_image(fleet):
    before = {task["id"] for task in smoke_tasks(fleet)}

    done = fleet.playbook("smoke.yml", "--limit", NODE)

    assert done.returncode == 0, done.stdout + done.stderr
    made = [task for task in smoke_tasks(fleet) if task["id"] not in before]
    assert {task["last_worker"] for task in made} == {f"{NODE}:0", f"{NODE}:1"}
    assert {task["status"] for task in made} == {"completed"}
    assert all("@sha256:" in task["container"]["image"] for task in made)


def test_what_a_slot_lacks_fails_the_play_with_what_where_and_what_to_do(fleet, tmp_path):
    declared = yaml.safe_load((REPOSITORY / "queues.yml").read_text())
    declared["node_groups"]["cpu_nodes"]["data"] = {"mounts": [{"source": "/srv/not-there-yet"}]}
    contract = tmp_path / "queues.yml"
    contract.write_text(yaml.safe_dump(declared))

    done = fleet.playbook("smoke.yml", "--limit", NODE, "-e", f"fleet_queues_file={contract}")

    assert done.returncode != 0
    said = " ".join(done.stdout.split())
    assert f"A task cannot run as it should on {NODE}" in said
    assert "mount /srv/not-there-yet: the folder /srv/not-there-yet is not mounted" in said
    assert "data.mounts in queues.yml" in said
    assert "run site.yml for the node" in said


@pytest.fixture
def busy(fleet):
    """Each slot of the node has a task in hand that lasts."""
    script = {
        "binary": "python3",
        "repository": "",
        "entry_point": "long.py",
        "working_dir": ".",
        "diff": "import time; time.sleep(600)",
        "requirements": {},
    }
    tasks = []
    end = time.monotonic() + 180
    while {f"{NODE}:0", f"{NODE}:1"} - set(_in_hand(fleet)):
        assert time.monotonic() < end
        if len(tasks) == len(_in_hand(fleet)):
            task = fleet.api("tasks.create", name="long", type="testing", script=script)["id"]
            fleet.api("tasks.enqueue", task=task, queue_name=QUEUE)
            tasks.append(task)
        time.sleep(1)
    yield
    for task in tasks:
        fleet.api("tasks.stop", task=task, force=True)


def _in_hand(fleet) -> list[str]:
    """Workers of CPU nodes with a task in hand."""
    workers = fleet.api("workers.get_all")["workers"]
    return [
        worker["id"]
        for worker in workers
        if worker.get("task") and QUEUE in [queue["name"] for queue in worker["queues"]]
    ]


def test_a_busy_slot_is_named_as_not_proven_yet_and_is_no_failure(fleet, busy):
    done = fleet.playbook("smoke.yml", "--limit", NODE, "-e", "smoke_wait_seconds=2")

    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join((done.stdout + done.stderr).split())
    for slot in (f"{NODE}-0", f"{NODE}-1"):
        assert f"Not proven yet: slot {slot} of {NODE}" in said
