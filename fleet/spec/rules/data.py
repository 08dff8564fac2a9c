"""Mounts and object stores: what a group's tasks can read must not break their containers."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from fleet.spec.contract import Contract
from fleet.spec.models import Mount, ObjectStore
from fleet.spec.problems import Problem

# What a task's container needs of its own image, of Docker and of its agent: a mount there, or
# above it, would hide it.
_NEEDED = (
    *("/bin", "/boot", "/dev", "/dev/shm", "/etc", "/home", "/lib", "/lib64", "/opt/venv"),
    *("/proc", "/root", "/run", "/sbin", "/sys", "/tmp", "/usr/bin", "/usr/lib"),
    *("/usr/local/bin", "/usr/local/lib", "/usr/sbin", "/var/cache", "/var/lib", "/var/tmp"),
)
# File systems of the kernel: Docker refuses to mount anything below them.
_KERNEL = ("/proc", "/sys")
# Who can read or write in these can become root on the node, or read its secrets and its agents'.
# Docker's socket is in /run.
_NODES_OWN = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys"),
    *("/usr/bin", "/usr/lib", "/usr/local/bin", "/usr/local/lib", "/usr/local/sbin", "/usr/sbin"),
    *("/var/lib/containerd", "/var/lib/docker", "/var/lib/fleet", "/var/run", "/var/spool/cron"),
)
# Below it people have folders of their own: data may lie there, keys in hidden folders.
_PEOPLE = "/home"
_HIGHEST_PORT = 65535


def check(contract: Contract) -> Iterator[Problem]:
    """Breaches of the rules about data."""
    for name, group in contract.spec.node_groups.items():
        yield from _mounts(contract, name, group.data.mounts)
        yield from _stores(contract, name, group.data.object_stores)


def _mounts(contract: Contract, group: str, mounts: list[Mount]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, mount in enumerate(mounts):
        keys = ("node_groups", group, "data", "mounts", index)
        if ".." in f"{mount.source}/{mount.target}".split("/"):
            yield contract.problem(
                "path-with-dots",
                "a path of a mount goes up by '..'",
                *keys,
                mend="write the path that is meant",
            )
            continue
        shown = _shown(_plain(mount.source)) if mount.source is not None else ""
        if shown:
            yield contract.problem(
                "mount-of-the-system",
                f"{mount.source} {shown}: a task that sees it can take over the node",
                *(*keys, "source"),
                mend="mount a folder that holds data alone",
            )
            continue
        if mount.destination is None or (*keys, "target") in contract.bad:
            continue
        target = _plain(mount.destination)
        hidden = _hidden(target)
        if hidden:
            yield contract.problem(
                "mount-hides-the-system",
                f"a mount at {mount.destination} would hide {hidden}, which a task's container "
                "needs",
                *(*keys, "target" if mount.target else "source"),
                mend="choose a `target` of its own, such as /data/tables",
            )
        first = seen.setdefault(target, index)
        if first != index:
            line = contract.place("node_groups", group, "data", "mounts", first).line
            yield contract.problem(
                "duplicate-mount",
                f"a second mount at {target}; the first is in line {line}",
                *(*keys, "target" if mount.target else "source"),
                mend="give one of the two another `target`, or remove it",
            )


def _plain(path: str) -> str:
    return posixpath.normpath("/" + path.strip("/"))


def _shown(source: str) -> str:
    """What a mount would show that is none of a task's; empty where it shows data alone."""
    for own in _NODES_OWN:
        if _within(source, own):
            return "is the node's own"
        if _within(own, source):
            return f"holds {own}, which is the node's own"
    if _within(_PEOPLE, source):
        return "holds the keys of people"
    if _within(source, _PEOPLE):
        _, _, *below = source.removeprefix(_PEOPLE).split("/")
        if not below or below[0].startswith("."):
            return "holds the keys of a person"
    return ""


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _hidden(target: str) -> str:
    """What a mount would hide; empty where it hides nothing that matters."""
    for needed in _NEEDED:
        if target in ("/", needed) or needed.startswith(f"{target}/"):
            return needed if target != "/" else "the whole image"
    for top in _KERNEL:
        if target.startswith(f"{top}/"):
            return top
    return ""


def _stores(contract: Contract, group: str, stores: list[ObjectStore]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, store in enumerate(stores):
        keys = ("node_groups", group, "data", "object_stores", index)
        if store.url is None:
            continue
        host, slash, _ = store.url.removeprefix("s3://").partition("/")
        name, colon, port = host.partition(":")
        first = seen.setdefault(store.url.lower(), index)
        if first != index:
            line = contract.place("node_groups", group, "data", "object_stores", first).line
            yield contract.problem(
                "duplicate-object-store",
                f"{store.url} stands here a second time; the first is in line {line}",
                *(*keys, "url"),
                mend="remove one of the two: a bucket has one pair of credentials in a group",
            )
        if colon and not 0 < int(port) <= _HIGHEST_PORT:
            yield contract.problem(
                "bad-port",
                f"{port} is no port",
                *(*keys, "url"),
                mend=f"write the store's port, from 1 to {_HIGHEST_PORT}",
            )
        if not colon and slash:
            yield contract.problem(
                "store-without-port",
                f"{store.url} is neither a bucket at AWS nor a store of your own",
                *(*keys, "url"),
                mend=f"write s3://{name} for the bucket at AWS, or the port of your own store, "
                f"such as s3://{name}:9000{store.url[len('s3://' + host) :]}",
            )
        elif not colon and store.secure is False:
            yield contract.problem(
                "insecure-at-aws",
                "AWS is always asked by HTTPS",
                *(*keys, "secure"),
                mend="remove `secure: false`, or write the port of your own store in `url`",
            )
        if colon and store.region is not None:
            yield contract.problem(
                "region-of-own-store",
                f"a region is given for {host}, which is a store of your own",
                *(*keys, "region"),
                mend="remove `region`: it is for buckets at AWS",
            )
