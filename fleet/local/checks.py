"""Everything that can stop a local fleet and can be known before anything is made."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet.command import find, run, tail
from fleet.errors import FleetError, raise_all
from fleet.images import disk, to_build
from fleet.images.engine import find_builder
from fleet.local import addresses, daemon, engine, hostserver, network
from fleet.local.images import HOST_IMAGES, NODE_IMAGES
from fleet.local.inventory import node_names
from fleet.local.layout import API_PORT, FILES_PORT, Layout
from fleet.paths import REPOSITORY
from fleet.spec import SPEC_FILE, Spec, load
from fleet.templates import committed_step_code
from ml.checks import check_file
from ml.runtime.errors import UserError

#: Free disk that a fleet needs at work, and what its registry and nodes take of the images,
#: with either build of PyTorch; what building takes comes on top.
_RUNNING = 2 * disk.GB
_PULLED = {"cpu": 2 * disk.GB, "cuda": 4 * disk.GB}
_DOCKER_DATA = Path("/var/lib/docker")


@dataclass(frozen=True)
class Wanted:
    """The fleet that was asked for.

    Parameters
    ----------
    layout : Layout
        The fleet.
    inventory : Path
        Whose hosts become nodes.
    data : Path, optional
        A user's file for the run at the end.
    target : str, optional
        The column of it to predict.
    run : bool
        Whether a pipeline runs at the end.
    spec_file : Path
        The contract.
    """

    layout: Layout
    inventory: Path
    data: Path | None = None
    target: str | None = None
    run: bool = True
    spec_file: Path = SPEC_FILE


def check(wanted: Wanted) -> tuple[Spec, list[str]]:
    """Look at the machine, the contract, the inventory and the data; change nothing.

    Returns
    -------
    tuple of Spec and list of str
        The contract, and the names of the nodes.

    Raises
    ------
    FleetError
        One problem, or `FleetErrors` with all of them.
    """
    problems: list[UserError] = []

    def collect(look: Callable[[], Any]) -> Any:
        try:
            return look()
        except UserError as error:
            problems.append(error)
            return None

    engine_info = engine.info() if find("docker") else None
    collect(lambda: check_machine(platform.machine()))
    collect(lambda: check_rights(engine_info))
    collect(lambda: check_programs(engine_answers=engine_info is not None))
    collect(lambda: check_builder(engine_answers=engine_info is not None))
    collect(lambda: check_engine(engine_info, os.environ.get("DOCKER_HOST", "")))
    collect(lambda: check_disk(wanted.layout, engine_info))
    collect(lambda: check_owner(wanted.layout, engine_info))
    collect(lambda: check_addresses(wanted.layout, engine_info))
    collect(check_commits)
    collect(lambda: check_data(wanted.data, wanted.target))
    spec = collect(lambda: load(wanted.spec_file))
    nodes = collect(lambda: node_names(wanted.inventory, spec.node_groups)) if spec else []
    raise_all(problems)
    return spec, nodes


def check_machine(processor: str) -> None:
    """The images' locks name packages for one kind of processor."""
    if processor not in ("x86_64", "amd64"):
        raise FleetError(
            f"the images are for x86_64, and this machine is {processor}",
            where="images/requirements.lock",
            mend="use a machine with an x86_64 processor",
        )


def check_rights(engine_info: dict[str, Any] | None) -> None:
    """A user who is not root needs an engine that answers."""
    if engine_info is None and os.geteuid() != 0:
        raise FleetError(
            "no Docker Engine answers, and only root can install or start one",
            where=f"user {os.geteuid()}",
            mend="become root, or start Docker and add this user to the group `docker`",
        )


def check_programs(*, engine_answers: bool) -> None:
    """Programs that are missing must be installable."""
    missing = daemon.missing_packages(engine_answers=engine_answers)
    if missing and (os.geteuid() != 0 or find("apt-get") is None):
        raise FleetError(
            f"needed and not installed: {', '.join(missing)}",
            where=f"user {os.geteuid()}" if os.geteuid() else "no apt-get on this machine",
            mend=f"as root: apt-get install {' '.join(missing)}",
        )


def check_builder(*, engine_answers: bool) -> None:
    """A client must be able to build; Debian's can, where the engine is still to be installed."""
    if daemon.DOCKER_PACKAGE not in daemon.missing_packages(engine_answers=engine_answers):
        find_builder()


def check_engine(engine_info: dict[str, Any] | None, docker_host: str) -> None:
    """The engine must be on this machine, and run as root: this machine reaches its networks."""
    if docker_host and not docker_host.startswith("unix://"):
        raise FleetError(
            "Docker is used on another machine, the local fleet needs it on this one",
            where=f"DOCKER_HOST={docker_host}",
            mend="unset DOCKER_HOST",
        )
    if engine_info and any("rootless" in option for option in engine_info["SecurityOptions"] or []):
        raise FleetError(
            "the Docker Engine runs rootless; nodes need one that runs as root",
            mend="use the system's engine: `docker context use default`",
        )


def check_disk(layout: Layout, engine_info: dict[str, Any] | None) -> None:
    """Room for what is still to be made, where Docker keeps its data and in this repository."""
    wanted = (*HOST_IMAGES, *NODE_IMAGES)
    missing, torch = to_build(wanted, engine_answers=engine_info is not None)
    needed = _RUNNING + disk.room(missing.values(), torch)
    if layout.read_record() is None:
        needed += _PULLED[torch]
    docker_data = Path(engine_info["DockerRootDir"]) if engine_info else _DOCKER_DATA
    cuda = torch == "cuda" and any(spec.has_torch for spec in missing.values())
    disk.require(needed, (docker_data, REPOSITORY), "the local fleet", cuda=cuda)


def check_owner(layout: Layout, engine_info: dict[str, Any] | None) -> None:
    """A fleet of this name must not belong to another checkout."""
    others = sorted(engine.living_homes(layout) - {str(layout.state)}) if engine_info else []
    if others:
        raise FleetError(
            f"a local fleet named {layout.name!r} is up already, of another checkout",
            where=", ".join(others),
            mend="run `make down` there, or use another name here: FLEET_LOCAL_NAME=NAME make up",
        )


def check_addresses(layout: Layout, engine_info: dict[str, Any] | None) -> None:
    """A subnet is free, and nothing keeps the server from its ports."""
    subnet = network.subnet_for(layout, engine_info is not None)
    if hostserver.running(layout):
        return
    gateway = network.gateway_of(subnet)
    found = addresses.listeners()
    problems = []
    for port, purpose in ((API_PORT, "API"), (FILES_PORT, "file store")):
        clash = addresses.clashing(port, gateway, found)
        if clash is None:
            continue
        process = addresses.process_of(clash)
        by = f"{process[1]} (process {process[0]})" if process else "another process"
        problems.append(
            FleetError(
                f"port {port}, which the server needs for its {purpose}, is in use by {by}",
                where=f"{clash.address}:{port}",
                mend=f"stop it: kill {process[0]}" if process else "stop it",
            )
        )
    raise_all(problems)


def check_commits() -> None:
    """Agents clone commits: there must be one, and it must hold the step code as it is here."""
    done = run(["git", "-C", str(REPOSITORY), "rev-parse", "--verify", "HEAD"], check=False)
    if done.returncode != 0:
        raise _no_commit(done.stderr)
    committed_step_code()


def check_data(data: Path | None, target: str | None) -> None:
    """A user's file must be one that the default pipeline can learn from."""
    if data is None:
        if target is not None:
            raise FleetError(
                f"a target ({target}) without a data file", mend="give both: --data and --target"
            )
        return
    if target is None:
        raise FleetError(
            "a data file without a target",
            where=str(data),
            mend="name the column to predict: --target COLUMN (make: TARGET=COLUMN)",
        )
    check_file(data, target)


def _no_commit(said: str) -> FleetError:
    where = "\n       ".join([str(REPOSITORY), tail(said)])
    if "dubious ownership" in said:
        return FleetError(
            "git does not read this checkout, since it belongs to another user",
            where=where,
            mend=f"git config --global --add safe.directory {REPOSITORY}",
        )
    return FleetError(
        "git finds no commit here; agents clone the step code from commits",
        where=where,
        mend="mend what git says; in a tree that was not cloned: `git init`, `git add .` and "
        "`git commit`, or clone the repository",
    )
