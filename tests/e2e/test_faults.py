"""What goes wrong on real nodes, for real: nothing that runs is lost, and each says what happened.

A clock that jumps is tried in tests/contract/agent/test_clock.py: here all nodes have the clock of
the machine that they are containers on.
"""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections import Counter

import pytest

from tests.e2e.work import (
    agent_of,
    await_end,
    await_log,
    begin,
    enqueue,
    log,
    read,
    until,
    was_put_back,
)

QUEUE = "cpu-infer"
SERVICES, CONTROLLERS = "services", "controller-1"
_OUTAGE_SECONDS = 60
_DRAIN_SECONDS = 5
# Agents end a minute before Docker would end them.
_HURRIED = ("-e", f"clearml_agent_stop_grace_period={60 + _DRAIN_SECONDS}s")


def test_the_server_is_away_for_a_minute_while_a_task_runs(fleet):
    task, _, _ = begin(fleet, QUEUE, 20)
    fleet.cli("local", "stop-server")
    time.sleep(_OUTAGE_SECONDS)
    fleet.start_server()

    ended = await_end(fleet, task)

    assert ended["status"] == "completed", ended["status_message"]
    assert not was_put_back(ended)
    assert "RAN TO ITS END" in log(fleet, task)
    _still_works(fleet)


def test_the_docker_daemon_is_restarted_under_a_task(fleet):
    task, node, _ = begin(fleet, QUEUE, 15)
    fleet.on_node(node, "systemctl", "restart", "docker")
    ended = await_end(fleet, task)
    assert ended["status"] == "completed", ended["status_message"]
    assert not was_put_back(ended)
    assert "RAN TO ITS END" in log(fleet, task)


def test_an_agent_is_killed_and_the_next_one_takes_its_task_up(fleet):
    task, node, slot = begin(fleet, QUEUE, 20)
    agent = agent_of(fleet, slot)
    # As the kernel does when memory is short: the engine starts it again.
    fleet.on_node(node, f"kill -9 $(docker inspect -f '{{{{.State.Pid}}}}' {agent})")
    ended = await_end(fleet, task)
    assert ended["status"] == "completed", ended["status_message"]
    assert not was_put_back(ended)
    assert "RAN TO ITS END" in log(fleet, task)


def test_a_second_signal_puts_the_task_back_and_says_so(fleet):
    task, node, slot = begin(fleet, QUEUE, 30)
    agent = agent_of(fleet, slot)
    try:
        fleet.on_node(node, "docker", "kill", "-s", "TERM", agent)
        until(lambda: _state(fleet, node, agent)["state"] == "leaving", "the drain", 20)
        assert read(fleet, task)["status"] == "in_progress"
        fleet.on_node(node, "docker", "kill", "-s", "TERM", agent)
        until(lambda: was_put_back(read(fleet, task)), "the put-back", 60)
        code = ["docker", "inspect", "-f", "'{{.State.Running}} {{.State.ExitCode}}'", agent]
        until(lambda: fleet.on_node(node, *code).split() == ["false", "0"], "exit 0", 30)
    finally:
        fleet.on_node(node, "docker", "start", agent)
    # Another agent may have it already; it runs from its beginning, and to its end.
    ended = await_end(fleet, task)
    assert ended["status"] == "completed", ended["status_message"]
    assert "user abort" not in log(fleet, task)
    assert "put back" in log(fleet, task)


@pytest.fixture(scope="module")
def cut(fleet):
    """Agents with work whose time is over before it: a pipeline's controller, and a task."""
    limit = ("--limit", f"gpu-1,{CONTROLLERS}", "--skip-tags", "smoke")
    done = fleet.playbook("site.yml", *limit, *_HURRIED)
    assert done.returncode == 0, done.stdout[-4000:]
    published = fleet.cli("template", "publish")
    assert published.returncode == 0, published.stderr
    models = "Training/models=ridge,lightgbm"
    run = fleet.result("run", "pipeline", "--set", models)["run_id"]
    until(lambda: _ended_steps(fleet, run) == ["data-registration"], "the first step", 90)
    task, _, _ = begin(fleet, "gpu-train", 40)
    other = enqueue(fleet, "gpu-train", 0)

    back = fleet.playbook("site.yml", *limit)

    assert back.returncode == 0, back.stdout[-4000:]
    return {"run": run, "task": task, "other": other}


def test_a_task_whose_time_to_drain_is_over_goes_to_the_front_and_says_why(fleet, cut):
    task, other = (await_end(fleet, cut[which]) for which in ("task", "other"))
    assert (task["status"], other["status"]) == ("completed", "completed")
    assert was_put_back(task)
    assert task["started"] < other["started"]
    why = f"it was not over {_DRAIN_SECONDS} s after its agent was told to leave"
    assert f"put back to the front of its queue: gpu-1:0: {why}" in log(fleet, cut["task"])


def test_a_pipeline_whose_controller_is_put_back_goes_on_and_no_step_runs_twice(fleet, cut):
    (controller,) = fleet.api("tasks.get_all", tags=[f"run:{cut['run']}"], type=["controller"])[
        "tasks"
    ]
    ended = await_end(fleet, controller["id"], 300)
    assert ended["status"] == "completed", log(fleet, controller["id"])
    assert was_put_back(ended)
    shown = fleet.result("show", cut["run"])["steps"]
    assert {step["status"] for step in shown} == {"completed"}
    assert set(Counter(step["name"] for step in shown).values()) == {1}
    made = fleet.api("tasks.get_all", parent=controller["id"], search_hidden=True)["tasks"]
    assert {step["task_id"] for step in shown} == {controller["id"], *(step["id"] for step in made)}


def test_nodes_are_rebooted_and_each_of_their_tasks_runs_again_and_only_once(fleet):
    services = [enqueue(fleet, SERVICES, 30) for _ in range(3)]
    task, node, _ = begin(fleet, QUEUE, 20)
    for service in services:
        await_log(fleet, service, "RUNS")
    nodes = {node, CONTROLLERS}
    boots = {each: _boot(fleet, each) for each in nodes}
    subprocess.run(
        ["docker", "restart", "--time", "90", *(f"fleet-{fleet.name}-{each}" for each in nodes)],
        check=True,
        capture_output=True,
        timeout=300,
    )
    for each in nodes:
        until(lambda node=each: _boot(fleet, node) not in ("", boots[node]), "the boot", 90)
    for each in (task, *services):
        until(lambda task=each: was_put_back(read(fleet, task)), "the put-back", 90)
    for each in (task, *services):
        # A second run at the same time would have failed.
        ended = await_end(fleet, each)
        assert ended["status"] == "completed", ended["status_message"]
        said = log(fleet, each)
        assert "put back" in said
        assert said.count("RAN TO ITS END") == 1
    assert {read(fleet, each)["last_worker"].split(":")[0] for each in services} == {CONTROLLERS}


def test_a_node_loses_its_power_and_its_task_runs_again(fleet):
    task, node, _ = begin(fleet, QUEUE, 20)
    container = f"fleet-{fleet.name}-{node}"
    for verb in ("kill", "start"):
        subprocess.run(["docker", verb, container], check=True, capture_output=True, timeout=60)
    until(lambda: was_put_back(read(fleet, task)), "the put-back", 120)
    ended = await_end(fleet, task)
    assert ended["status"] == "completed", ended["status_message"]


def test_a_full_disk_is_cleared_of_what_is_old_and_of_nothing_that_runs(fleet):
    task, node, slot = begin(fleet, QUEUE, 10)
    agent = json.loads(fleet.on_node(node, "docker", "inspect", agent_of(fleet, slot)))[0]
    code = base64.b64encode(_FILL.replace("IMAGE", repr(agent["Config"]["Image"])).encode())
    unpacked = f"import base64; exec(base64.b64decode({code.decode()!r}))"
    left = json.loads(fleet.on_node(node, "python3", "-c", f'"{unpacked}"'))
    assert left["full"]
    assert (left["old cache"], left["used cache"]) == (False, True)
    assert left["old image"] is False
    assert left["plan"] == [2, 2]
    assert left["free"] > 0.3
    assert await_end(fleet, task)["status"] == "completed"


def _ended_steps(fleet, run: str) -> list[str]:
    steps = fleet.result("show", run)["steps"]
    return [step["phase"] for step in steps if step["status"] == "completed"]


def _still_works(fleet) -> None:
    task, _, _ = begin(fleet, QUEUE, 0)
    assert await_end(fleet, task)["status"] == "completed"


def _state(fleet, node: str, agent: str) -> dict:
    return json.loads(fleet.on_node(node, "docker", "exec", agent, "fleet-agent", "state"))


def _boot(fleet, node: str) -> str:
    """When a node's systemd began; empty while it does not answer."""
    try:
        return fleet.on_node(node, "stat", "--format=%Y", "/run/systemd/system")
    except AssertionError:
        return ""


# On a small disk of its own, with the settings of the node otherwise: a cache that a container
# which runs has just used, one that nobody has for two days, and an image that nothing needs.
_FILL = """
import json, os, pathlib, shutil, subprocess, time

def docker(*command, **more):
    done = subprocess.run(["docker", *command], check=True, capture_output=True, text=True, **more)
    return done.stdout

disk = pathlib.Path("/run/small-disk")
caches = disk / "cpu_nodes" / "vcs-cache"
disk.mkdir()
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", disk], check=True)
try:
    for name in ("old", "used"):
        (caches / name).mkdir(parents=True)
        (caches / name / "file").write_bytes(bytes(15 << 20))
    for path in (caches / "old" / "file", caches / "old"):
        os.utime(path, (time.time() - 2 * 86400,) * 2)
    settings = json.loads(pathlib.Path("/etc/fleet/upkeep.json").read_text())
    settings |= {"data_directory": str(disk), "state_file": str(disk / "state.json")}
    settings |= {"image_days": 0}
    (disk / "settings.json").write_text(json.dumps(settings))
    docker("run", "--detach", "--name=small-disk", "--volume", f"{disk}/cpu_nodes:/cache:ro",
           "--entrypoint=sleep", IMAGE, "60")
    old_image = settings["registries"][0] + "/fleet/old:1"
    empty = subprocess.run(["tar", "-c", "-T", "/dev/null"], check=True, capture_output=True)
    subprocess.run(["docker", "import", "-", old_image], input=empty.stdout, check=True,
                   capture_output=True)
    usage = shutil.disk_usage(disk)
    subprocess.run(["/usr/local/lib/fleet/upkeep.py", disk / "settings.json"], check=True,
                   capture_output=True)
    kept = [name for name in settings["keep_images"] if docker("image", "inspect", name)]
    print(json.dumps({
        "full": usage.free < 0.1 * usage.total,
        "old cache": (caches / "old").exists(),
        "used cache": (caches / "used").exists(),
        "old image": bool(docker("images", "--quiet", old_image).strip()),
        "plan": [len(kept), len(settings["keep_images"])],
        "free": shutil.disk_usage(disk).free / usage.total,
    }))
finally:
    subprocess.run(["docker", "rm", "--force", "small-disk"], capture_output=True)
    subprocess.run(["umount", disk], check=True)
    disk.rmdir()
"""
