"""On real nodes, for real: a task cannot take its node, and secrets stay where they belong."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from fleet.paths import local_fleet_dir
from fleet.spec import load

NODE = "cpu-1"
QUEUE = "cpu-train"
# What the tests read of a task while it runs.
RUNS_SECONDS = 25

# It looks for ways out of its container, says what it found, and stays a while to be looked at.
PRISONER = """
import ctypes, json, os, pathlib, re, socket, subprocess, sys, time

def allowed(act):
    try:
        act()
    except OSError as error:
        return False
    return True

def mount():
    if ctypes.CDLL(None, use_errno=True).mount(b"none", b"/mnt", b"tmpfs", 0, None):
        raise OSError(ctypes.get_errno(), "mount")

status = pathlib.Path("/proc/self/status").read_text()
processes = [
    pathlib.Path("/proc", name, "cmdline").read_bytes().replace(b"\\0", b" ").decode()
    for name in os.listdir("/proc") if name.isdigit()
]
found = {
    "capabilities": int(re.search(r"CapEff:\\s*(\\w+)", status)[1], 16),
    "bounding": int(re.search(r"CapBnd:\\s*(\\w+)", status)[1], 16),
    "no_new_privileges": int(re.search(r"NoNewPrivs:\\s*(\\d)", status)[1]),
    "sockets": [p for p in ("/var/run/docker.sock", "/run/docker.sock") if os.path.exists(p)],
    "host": os.path.exists("/host"),
    "fleet": os.path.exists("/etc/fleet") or os.path.exists("/var/lib/fleet"),
    "init": "systemd" in pathlib.Path("/proc/1/comm").read_text(),
    "daemons": [line for line in processes if "dockerd" in line or "fleet_agent" in line],
    "devices": [p for p in os.listdir("/dev") if p.startswith(("sd", "vd", "loop", "nvme", "mem"))],
    "mounts": allowed(mount),
    "raw_socket": allowed(
        lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)).close()
    ),
    "block_device": allowed(lambda: os.mknod("/tmp/disk", 0o60600, os.makedev(8, 0))),
    "kernel": allowed(lambda: open("/proc/sysrq-trigger", "w").close()),
    "set_up": os.path.exists("/set-up-was-here"),
    "network_settings": allowed(lambda: open("/proc/sys/net/ipv4/ip_forward", "w").close()),
}
print("FOUND", json.dumps(found), "END", flush=True)
time.sleep(SECONDS)
""".replace("SECONDS", str(RUNS_SECONDS))
ASKS = "-v /:/host --privileged --pid=host --device /dev/sda --cap-add ALL -u 0 --network none"


@pytest.fixture(scope="module")
def prisoner(fleet):
    """A task that asks for all there is, while it runs: its id."""
    script = {
        "binary": "python3",
        "repository": "",
        "entry_point": "prisoner.py",
        "working_dir": ".",
        "diff": PRISONER,
        "requirements": {},
    }
    task = fleet.api(
        "tasks.create",
        name="prisoner",
        type="testing",
        script=script,
        container={
            "image": "evil/image:latest",
            "arguments": ASKS,
            "setup_shell_script": "touch /set-up-was-here",
        },
    )["id"]
    fleet.api("tasks.enqueue", task=task, queue_name=QUEUE)
    end = time.monotonic() + 120
    while "END" not in log_of(fleet, task):
        assert time.monotonic() < end, log_of(fleet, task)
        time.sleep(0.5)
    return task


def log_of(fleet, task: str) -> str:
    events = fleet.api("events.get_task_log", task=task, batch_size=500, order="asc")["events"]
    return "\n".join(event["msg"] for event in events)


def containers(fleet, node: str, *options: str) -> list[dict]:
    """What Docker says of the containers of a node."""
    ids = fleet.on_node(node, "docker", "ps", "--quiet", "--no-trunc", *options).split()
    return json.loads(fleet.on_node(node, "docker", "inspect", *ids)) if ids else []


def holder_of(fleet, task: str) -> tuple[str, dict]:
    """The node that runs a task, and what its Docker says of the task's container."""
    worker = fleet.api("tasks.get_by_id", task=task)["task"]["last_worker"]
    node = worker.partition(":")[0]
    (found,) = [one for one in containers(fleet, node) if task in one["Name"]]
    return node, found


def test_docker_gave_the_task_its_slots_container_and_nothing_that_it_asked_for(fleet, prisoner):
    _, found = holder_of(fleet, prisoner)

    host = found["HostConfig"]
    assert not host["Privileged"]
    assert host["PidMode"] == ""
    assert host["Devices"] in (None, [])
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges" in host["SecurityOpt"]
    assert host["NetworkMode"] == "host"  # the slot's own; it asked for none
    sources = {mount["Source"] for mount in found["Mounts"]}
    group = load().queues[QUEUE].node_group
    assert all(source.startswith(f"/var/lib/fleet/agent/{group}/") for source in sources), sources
    assert re.search(r"/fleet/cpu@sha256:[0-9a-f]{64}$", found["Config"]["Image"])


def test_the_task_finds_no_way_out(fleet, prisoner):
    found = json.loads(re.search(r"FOUND (\{.*\}) END", log_of(fleet, prisoner))[1])

    files_of_others = 0b1011  # CHOWN, DAC_OVERRIDE, FOWNER
    assert found == {
        "capabilities": files_of_others,
        "bounding": files_of_others,
        "no_new_privileges": 1,
        "sockets": [],
        "host": False,
        "fleet": False,
        "init": False,
        "daemons": [],
        "devices": [],
        "mounts": False,
        "raw_socket": False,
        "block_device": False,
        "kernel": False,
        "set_up": False,
        "network_settings": False,
    }


def test_what_the_task_asked_for_is_named_in_its_log(fleet, prisoner):
    log = log_of(fleet, prisoner)

    for named in ("evil/image:latest", "-v /:/host", "--privileged", "--pid=host", "a set-up"):
        assert re.search(f"Not granted: .*{re.escape(named)}", log), named


def test_agents_can_write_nothing_and_have_no_capabilities(fleet):
    for agent in containers(fleet, NODE, "--filter", "label=fleet.slot"):
        host = agent["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert not host["Privileged"]
        assert host["CapDrop"] == ["ALL"]
        assert host["CapAdd"] in (None, [])
        assert any(option.startswith("no-new-privileges") for option in host["SecurityOpt"])
        assert host["PidMode"] == ""
        assert host["IpcMode"] != "host"
        status = fleet.on_node(NODE, "docker", "exec", agent["Id"], "cat", "/proc/1/status")
        assert re.search(r"CapEff:\s*0+\n", status)
        writable = {mount["Destination"] for mount in agent["Mounts"] if mount["RW"]}
        # its socket, and the folder of its own group
        group = agent["Config"]["Labels"]["fleet.group"]
        own = f"/var/lib/fleet/agent/{group}"
        assert writable <= {"/var/run/docker.sock", own}, writable


def test_secrets_are_in_files_of_their_owner_alone(fleet, prisoner):
    """While a task runs: neither arguments, nor Docker, nor any log tells them."""
    node, _ = holder_of(fleet, prisoner)
    config = (local_fleet_dir(fleet.name) / "server" / "clearml.conf").read_text()
    (secret,) = re.findall(r'secret_key"?\s*[:=]\s*"([^"]+)"', config)
    told = {
        "arguments": fleet.on_node(node, "ps", "-ewwo", "args"),
        "docker inspect": json.dumps(containers(fleet, node, "--all")),
        "the journal": fleet.on_node(node, "journalctl", "--no-pager", "--quiet"),
        "the task's log": log_of(fleet, prisoner),
    }
    for agent in containers(fleet, node, "--filter", "label=fleet.slot"):
        told[f"log of {agent['Name']}"] = fleet.on_node(node, "docker", "logs", agent["Id"])

    assert [where for where, text in told.items() if secret in text] == []

    holders = files_with(fleet, node, secret, "/etc", "/var/lib/fleet", "/root", "/home", "/run")
    assert holders, "no file of the agents holds it: the test looks in the wrong place"
    listed = fleet.on_node(node, "stat", "--format=%a:%U:%n", *holders).splitlines()
    assert [line for line in listed if not line.startswith("600:root:")] == []


def files_with(fleet, node: str, secret: str, *folders: str) -> list[str]:
    """Files of a node that hold a secret, which is given so that no process list shows it."""
    ssh = ["ssh", "-F", str(local_fleet_dir(fleet.name) / "ssh_config"), node]
    search = f"grep --recursive --files-with-matches --fixed-strings --file=- {' '.join(folders)}"
    done = subprocess.run(
        [*ssh, f"{search} 2>/dev/null"],
        input=secret,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return [line for line in done.stdout.splitlines() if Path(line).is_absolute()]
