"""The registry of a local fleet: a container that nodes pull from and this machine pushes to."""

from __future__ import annotations

import time

import requests

from fleet.errors import FleetError
from fleet.local import addresses, engine
from fleet.local.layout import REGISTRY, REGISTRY_PORT, Layout

_STORE = "/var/lib/registry"
_READY_SECONDS = 30


def ensure(layout: Layout, image: str, address: str) -> tuple[int, str]:
    """Have the registry run; the port it has on 127.0.0.1, and what was done.

    Parameters
    ----------
    layout : Layout
        The fleet.
    image : str
        Id of the services image.
    address : str
        Its address in the fleet's network.
    """
    port = port_of(layout) or addresses.free_port(REGISTRY_PORT, "127.0.0.1", addresses.listeners())
    done = engine.ensure_running(describe(layout, image, address, port), layout)
    _wait(port)
    return port, done


def describe(layout: Layout, image: str, address: str, port: int) -> engine.Container:
    """The registry's container."""
    return engine.Container(
        what=REGISTRY,
        role=REGISTRY,
        image=image,
        options=(
            f"--network={layout.network}",
            f"--ip={address}",
            f"--publish=127.0.0.1:{port}:5000",
            "--restart=unless-stopped",
            "--stop-timeout=1",
            "--log-opt=max-size=1m",
            f"--volume={layout.volume(REGISTRY)}:{_STORE}",
        ),
        command=("registry",),
        volumes=(layout.volume(REGISTRY),),
    )


def port_of(layout: Layout) -> int | None:
    """The port on 127.0.0.1 that the registry's container was given."""
    for container in engine.inspect("container", [layout.container(REGISTRY)]):
        for binding in container["HostConfig"]["PortBindings"].get("5000/tcp") or []:
            return int(binding["HostPort"])
    return None


def answers(port: int) -> bool:
    """Whether the registry answers on this machine."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/v2/", timeout=3).ok
    except requests.RequestException:
        return False


def _wait(port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not answers(port):
        if time.monotonic() > deadline:
            raise FleetError(
                f"the registry does not answer after {_READY_SECONDS} s",
                where=f"127.0.0.1:{port}",
                mend="see `docker logs` of its container, then try again",
            )
        time.sleep(0.2)
