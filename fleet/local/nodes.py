"""The nodes of a local fleet: containers that boot systemd and run a Docker Engine of their own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from fleet.command import find, run
from fleet.errors import FleetError
from fleet.images.site import is_loopback
from fleet.local import engine, ssh
from fleet.local.layout import LABEL, ROLE_LABEL, Layout

ROLE = "node"
KEPT = "kept"

#: What systemd and a nested engine need where the machine does not grant everything.
_CAPABILITIES = (
    "AUDIT_WRITE", "DAC_READ_SEARCH", "IPC_LOCK", "LINUX_IMMUTABLE", "MKNOD", "NET_ADMIN",
    "NET_RAW", "SETFCAP", "SYSLOG", "SYS_ADMIN", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE",
    "SYS_PTRACE", "SYS_TIME",
)  # fmt: skip
_BOOT_SECONDS = 90
_BOOTED = ("running", "degraded")
_CGROUPS = "/sys/fs/cgroup"
_PROXY_FILE = "/etc/apt/apt.conf.d/95fleet-proxy"
_EMPTY_SECONDS = 30
_EMPTY = "docker ps --all --quiet | xargs -r docker rm --force"
#: Reads a file from its input, so that nothing of it shows in arguments.
_WRITE = 'umask 077 && mkdir -p "$(dirname "$0")" && cat > "$0.new" && mv "$0.new" "$0"'


def ensure(
    layout: Layout, image: str, addresses: Mapping[str, str], say: Callable[[str], None]
) -> str:
    """Have these nodes, and no others, booted and reachable over SSH; what was done.

    Parameters
    ----------
    layout : Layout
        The fleet.
    image : str
        Id of the node image.
    addresses : mapping of str to str
        Address of each node in the fleet's network.
    say : callable
        Takes a line about what is worth knowing.
    """
    gone = remove_others(layout, list(addresses))
    if gone:
        say(f"removed, no longer in the inventory: {', '.join(gone)}")
    done = bring_up(layout, dict.fromkeys(addresses, image), addresses)
    changed = [f"{node} {what}" for node, what in done.items() if what != KEPT]
    return ", ".join(changed) or f"{len(done)} kept"


def bring_up(
    layout: Layout,
    images: Mapping[str, str],
    addresses: Mapping[str, str],
    *,
    alone: Collection[str] = (),
) -> dict[str, str]:
    """Have these nodes booted and reachable over SSH, and leave others as they are.

    Parameters
    ----------
    layout : Layout
        The fleet.
    images : mapping of str to str
        Id of the image of each node: one for each Debian release that there is.
    addresses : mapping of str to str
        Address of each node in the fleet's network.
    alone : collection of str
        Nodes that run and are not replaced, even if they would be made otherwise now.

    Returns
    -------
    dict of str to str
        Node → `created`, `replaced`, `started` or `kept`.
    """
    rights = _granted(next(iter(images.values()))) if images else ()
    public_key = ssh.public_key(layout)
    proxy = apt_proxy()

    def one(node: str) -> tuple[str, str]:
        done = KEPT
        if node not in alone:
            done = _ensure_one(layout, node, images[node], addresses[node], rights)
        if done != KEPT:
            ssh.close_shared(layout, [node])
        return done, _configure(layout, node, public_key, proxy)

    with ThreadPoolExecutor(max_workers=8) as pool:
        results = dict(zip(addresses, pool.map(one, addresses), strict=True))
    ssh.write(layout, addresses, {node: key for node, (_, key) in results.items()})
    _await_ssh(layout, list(addresses))
    return {node: done for node, (done, _) in results.items()}


def describe(
    layout: Layout, node: str, image: str, address: str, rights: tuple[str, ...]
) -> engine.Container:
    """A node's container."""
    return engine.Container(
        what=node,
        role=ROLE,
        image=image,
        options=(
            f"--hostname={node}",
            f"--network={layout.network}",
            f"--ip={address}",
            "--restart=unless-stopped",
            "--stop-timeout=20",
            *rights,
            "--tmpfs=/run",
            "--tmpfs=/tmp:exec",
            f"--volume={layout.volume(node)}:/var/lib/docker",
        ),
        command=("/sbin/init",),
        volumes=(layout.volume(node),),
        keeps_volumes=False,
    )


def rights_options(*, privileged: bool, cgroups: tuple[str, ...]) -> tuple[str, ...]:
    """Arguments that let a container boot systemd and run containers itself.

    Parameters
    ----------
    privileged : bool
        Whether this machine lets a container have all rights.
    cgroups : tuple of str
        What :func:`cgroup_options` says.
    """
    if privileged:
        return ("--privileged", *cgroups)
    unconfined = ("seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined")
    return (
        *(f"--cap-add={capability}" for capability in _CAPABILITIES),
        *(f"--security-opt={option}" for option in unconfined),
        *cgroups,
    )


def cgroup_options(version: str, mounts: str, *, privileged: bool) -> tuple[str, ...]:
    """Arguments that let systemd make control groups of its own.

    Parameters
    ----------
    version : str
        Version of control groups that the engine uses, `1` or `2`.
    mounts : str
        This machine's `/proc/self/mountinfo`.
    privileged : bool
        Whether the container has all rights.
    """
    if version == "2":
        if privileged:
            return ("--cgroupns=private",)
        return ("--cgroupns=host", f"--volume={_CGROUPS}:{_CGROUPS}:rw")
    # With the directory itself in the container, systemd would make directories in this
    # machine's own, and then remount it read-only.
    places = [line.split()[4] for line in mounts.splitlines() if " - cgroup" in line]
    return (
        "--cgroupns=host",
        f"--tmpfs={_CGROUPS}",
        *(f"--volume={place}:{place}:rw" for place in places if place.startswith(f"{_CGROUPS}/")),
    )


def grants_all(image: str) -> bool:
    """Whether this machine lets a container have all rights; some virtual machines do not."""
    probe = ("run", "--rm", "--privileged", "--network=none", "--entrypoint=/bin/true", image)
    return engine.docker(*probe, check=False).returncode == 0


def existing(layout: Layout) -> list[str]:
    """Names of the nodes whose containers are there."""
    prefix = layout.container("")
    conditions = (f"{LABEL}={layout.name}", f"{ROLE_LABEL}={ROLE}")
    return [name.removeprefix(prefix) for name in engine.listed("container", *conditions)]


def remove_others(layout: Layout, keep: list[str]) -> list[str]:
    """Remove the nodes that are not to be kept; their names."""
    gone = [node for node in existing(layout) if node not in keep]
    ssh.close_shared(layout, gone)
    empty([layout.container(node) for node in gone])
    engine.remove_containers([layout.container(node) for node in gone])
    if gone:
        engine.docker("volume", "rm", "--force", *(layout.volume(node) for node in gone))
    return gone


def empty(containers: Sequence[str]) -> None:
    """End what runs in the nodes of these containers, as far as they answer.

    The control groups of inner containers would outlive a node that is removed with them.
    """

    def end(container: str) -> None:
        # A node that does not answer is removed all the same.
        with suppress(FleetError):
            command = ("exec", container, "timeout", str(_EMPTY_SECONDS), "sh", "-c", _EMPTY)
            engine.docker(*command, timeout=_EMPTY_SECONDS + 5, check=False)

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(end, containers))


def apt_proxy() -> str:
    """This machine's proxies for apt that nodes reach, as configuration; empty where none is."""
    lines = []
    for scheme in ("http", "https"):
        key = f"Acquire::{scheme}::Proxy"
        value = os.environ.get(f"{scheme}_proxy", "")
        if find("apt-config"):
            value = run(["apt-config", "dump", "--format=%v", key]).stdout.strip() or value
        # A proxy of this machine's own is not there for a node.
        if value and not is_loopback(value):
            lines.append(f'{key} "{value}";\n')
    return "".join(lines)


def _granted(image: str) -> tuple[str, ...]:
    privileged = grants_all(image)
    version = (engine.info() or {}).get("CgroupVersion", "2")
    mounts = Path("/proc/self/mountinfo").read_text()
    cgroups = cgroup_options(version, mounts, privileged=privileged)
    return rights_options(privileged=privileged, cgroups=cgroups)


def _ensure_one(
    layout: Layout, node: str, image: str, address: str, rights: tuple[str, ...]
) -> str:
    container = describe(layout, node, image, address, rights)
    done = engine.ensure_running(container, layout, before_removal=empty)
    _await_boot(layout, node)
    return done


def _configure(layout: Layout, node: str, public_key: str, proxy: str) -> str:
    """Let our key in, hand on the proxy, see that sshd runs; the node's public host key."""
    name = layout.container(node)
    engine.execute(name, "sh", "-c", _WRITE, "/root/.ssh/authorized_keys", stdin=public_key)
    if proxy:
        engine.execute(name, "sh", "-c", _WRITE, _PROXY_FILE, stdin=proxy)
    script = (
        "test -e /etc/ssh/ssh_host_ed25519_key || ssh-keygen -q -A; "
        "systemctl is-active --quiet ssh || "
        "{ systemctl reset-failed ssh; systemctl start ssh; } >&2; "
        "cat /etc/ssh/ssh_host_ed25519_key.pub"
    )
    return " ".join(engine.execute(name, "sh", "-c", script).split()[:2])


def _await_boot(layout: Layout, node: str) -> None:
    name = layout.container(node)
    deadline = time.monotonic() + _BOOT_SECONDS
    state = ""
    while time.monotonic() < deadline:
        done = engine.docker("exec", name, "systemctl", "is-system-running", check=False)
        state = done.stdout.strip() or done.stderr.strip()
        if state in _BOOTED:
            return
        time.sleep(0.3)
    raise FleetError(
        f"node {node} has not booted after {_BOOT_SECONDS} s: {state}",
        where=f"container {name}",
        mend=f"see what waits: docker exec {name} systemctl list-jobs",
    )


def _await_ssh(layout: Layout, nodes: list[str]) -> None:
    deadline = time.monotonic() + _BOOT_SECONDS
    with ThreadPoolExecutor(max_workers=8) as pool:
        waiting = nodes
        while waiting:
            answers = pool.map(lambda node: ssh.reachable(layout, node), waiting)
            waiting = [node for node, answer in zip(waiting, answers, strict=True) if not answer]
            if waiting and time.monotonic() > deadline:
                raise FleetError(
                    f"no SSH connection to {', '.join(waiting)}",
                    where=str(layout.ssh_config),
                    mend=f"see why: ssh -v -F {layout.ssh_config} {waiting[0]}",
                )
