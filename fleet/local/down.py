"""Take a local fleet down: everything that bears its label, its state, its server; no more."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from fleet.command import find, use_system_path
from fleet.errors import FleetError
from fleet.found import forget_found
from fleet.images import digests, record
from fleet.local import daemon, engine, hostserver, nodes, ssh
from fleet.local.layout import LABEL, Layout
from fleet.local.lock import held, locked


def down(layout: Layout, echo: Callable[[str], None], *, keep_images: bool = False) -> None:
    """Remove a fleet, also one that was made in part.

    Parameters
    ----------
    layout : Layout
        The fleet.
    echo : callable
        Takes a line for each thing that was removed.
    keep_images : bool
        Whether the images stay, so that the next `up` need not build them.

    Raises
    ------
    FleetError
        It belongs to another checkout, or something cannot be removed.
    """
    use_system_path()
    with (
        locked(layout.lock, f"the local fleet {layout.name!r}"),
        locked(layout.engine_lock, "the Docker Engine", wait=True),
    ):
        removed: list[str] = []

        def tell(line: str) -> None:
            removed.append(line)
            echo(f"removed  {line}")

        if hostserver.stop(layout):
            tell("the embedded server")
        coming = _coming_up(layout)
        if _engine_answers(layout, echo):
            _refuse_foreign(layout)
            there = nodes.existing(layout)
            ssh.close_shared(layout, there)
            nodes.empty([layout.container(node) for node in there])
            _remove_from_engine(layout, tell)
            others = sorted({*coming, *_other_fleets(layout)})
            if others:
                echo(f"kept     the images, used by: {', '.join(others)}")
            elif not keep_images:
                _remove_images(layout, tell)
        _forget_gpus(layout, tell)
        if layout.state.exists():
            shutil.rmtree(layout.state)
            tell(f"its state, {layout.state}")
        if not coming:
            _stop_engine(layout, echo)
        if not removed:
            echo(f"nothing to remove: there is no local fleet {layout.name!r}")
    if layout.state_root.exists() and not any(layout.state_root.iterdir()):
        layout.state_root.rmdir()


def _engine_answers(layout: Layout, echo: Callable[[str], None]) -> bool:
    """Whether the engine can be asked; one that rests is started if it may hold our things."""
    if find("docker") is None:
        return False
    if engine.info() is not None:
        return True
    if not layout.state.exists() or find("dockerd") is None:
        return False
    if os.geteuid() != 0:
        raise FleetError(
            "no Docker Engine answers, so that the fleet's containers cannot be removed",
            where=str(layout.state),
            mend="start Docker, or do this as root",
        )
    daemon.start(layout, echo)
    return True


def _stop_engine(layout: Layout, echo: Callable[[str], None]) -> None:
    if find("docker") and engine.info() is not None:
        stopped = daemon.stop(layout)
        if stopped:
            echo(stopped)
    elif not (daemon.started_by_us(layout) or {}).get("process"):
        daemon.forget(layout)


def _refuse_foreign(layout: Layout) -> None:
    foreign = sorted(engine.living_homes(layout) - {str(layout.state)})
    if foreign:
        raise FleetError(
            f"the local fleet {layout.name!r} belongs to another checkout",
            where=", ".join(foreign),
            mend="take it down there",
        )


def _remove_from_engine(layout: Layout, tell: Callable[[str], None]) -> None:
    containers = engine.owned("container", layout)
    engine.remove_containers(containers)
    for name in containers:
        tell(f"container {name}")
    for kind in ("volume", "network"):
        for name in engine.owned(kind, layout):
            engine.docker(kind, "rm", name)
            tell(f"{kind} {name}")


def _coming_up(layout: Layout) -> set[str]:
    """The other fleets of this checkout that change now, and may have no network yet."""
    ours = (layout.lock, layout.engine_lock, layout.images_lock)
    locks = [path for path in layout.state_root.glob("*.lock") if path not in ours]
    found = {path.stem for path in locks if held(path)}
    return found | ({"a build of images"} if held(layout.state_root / "build" / "lock") else set())


def _other_fleets(layout: Layout) -> set[str]:
    """Names of the other local fleets on this machine."""
    found = set()
    for thing in engine.inspect("network", engine.listed("network", LABEL)):
        found.add(thing["Labels"][LABEL])
    return found - {layout.name}


def _forget_gpus(layout: Layout, tell: Callable[[str], None]) -> None:
    """Forget the GPUs that were found of the nodes, unless another fleet has the same inventory."""
    inventory = _inventory(layout.record)
    others = [path for path in layout.state_root.glob("*/fleet.json") if path != layout.record]
    if inventory is None or inventory in map(_inventory, others):
        return
    folder = inventory if inventory.is_dir() else inventory.parent
    if forget_found(folder, state=layout.state_root):
        tell(f"what was found of GPUs of {folder}")


def _inventory(record_file: Path) -> Path | None:
    """The inventory of a fleet that was once wholly up."""
    try:
        return Path(json.loads(record_file.read_text())["inventory"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remove_images(layout: Layout, tell: Callable[[str], None]) -> None:
    digests.hide(layout.digests)
    with locked(layout.images_lock, "the images", wait=True):
        build = layout.state_root / "build"
        removed, there = record.remove_all(build / "built.json")
        if there:
            tell(f"{removed} of {there} images")
        if daemon.started_by_us(layout):
            # The build cache bears no label; in an engine that ran for us alone, all of it is ours.
            engine.docker("builder", "prune", "--all", "--force", timeout=300)
            tell("the build cache")
        for shared in (build, layout.state_root / "logs"):
            shutil.rmtree(shared, ignore_errors=True)
