"""The two nodes on which the scenarios of roles work; run as `python -m tests.molecule.nodes`.

They are nodes of a local fleet without the rest of it, so `fleet local down --name molecule`
removes what a test that was killed has left.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from fleet.clearml_api import connect
from fleet.command import use_system_path
from fleet.errors import FleetError
from fleet.images import build, digests
from fleet.local import addresses, hostserver, network, nodes, registry
from fleet.local.down import down
from fleet.local.layout import Layout
from fleet.local.lock import locked
from fleet.queues import ensure_queues

#: Node → the image that it boots: each Debian release that the roles support.
IMAGES = {"debian-12": "node-bookworm", "debian-13": "node"}

#: What the agents of a scenario poll.
QUEUE = "molecule"


def layout() -> Layout:
    """Where the nodes' state is, and what their containers are called."""
    return Layout(os.environ.get("FLEET_MOLECULE_NAME", "molecule"))


def create(say: Callable[[str], None]) -> None:
    """Have the nodes booted and reachable over SSH; those that run are kept."""
    use_system_path()
    ours = layout()
    ours.state.mkdir(parents=True, exist_ok=True)
    ours.state.chmod(0o700)
    with locked(ours.images_lock, "the images", wait=True):
        built = build(IMAGES.values(), echo=lambda line: None)
    with locked(ours.lock, f"the local fleet {ours.name!r}"):
        subnet, _ = network.ensure(ours)
        network.reach_directly(subnet)
        chosen = addresses.node_addresses(subnet, list(IMAGES), network.given(ours, list(IMAGES)))
        images = {node: built[image].image_id for node, image in IMAGES.items()}
        for node, what in nodes.bring_up(ours, images, chosen).items():
            if what != nodes.KEPT:
                say(f"{node} {what}")


def serve(say: Callable[[str], None]) -> None:
    """Have an embedded server that the nodes reach; its settings are in `server/clearml.conf`."""
    use_system_path()
    ours = layout()
    subnet, _ = network.ensure(ours)
    network.reach_directly(subnet)
    done = hostserver.ensure(ours, network.gateway_of(subnet))
    if done != nodes.KEPT:
        say(f"{hostserver.api_url(network.gateway_of(subnet))} {done}")


def images(say: Callable[[str], None]) -> None:
    """Have a registry with the agents' image, and a queue; tells the image's reference."""
    use_system_path()
    ours = layout()
    with locked(ours.images_lock, "the images", wait=True):
        services = build(["services"], echo=lambda line: None)["services"].image_id
    subnet, _ = network.ensure(ours)
    network.reach_directly(subnet)
    port, _ = registry.ensure(ours, services, network.registry_of(subnet))
    with locked(ours.images_lock, "the images", wait=True):
        push_to = f"127.0.0.1:{port}"
        build(["agent"], push_to=push_to, digests_file=ours.digests, echo=lambda line: None)
    ensure_queues(connect(ours.server / "clearml.conf"), [QUEUE])
    digest = digests.by_name(ours.digests)["agent"]
    say(f"{network.registry_of(subnet)}:5000/fleet/agent@{digest}")


def queues(say: Callable[[str], None]) -> None:
    """Tell the names of the queues that the embedded server has."""
    api = connect(layout().server / "clearml.conf")
    for queue in api.call("queues.get_all")["queues"]:
        say(queue["name"])


def destroy(say: Callable[[str], None]) -> None:
    """Remove the nodes, their volumes and their network."""
    if layout().state.exists():
        down(layout(), say, keep_images=True)


VERBS = {
    "create": create,
    "serve": serve,
    "images": images,
    "queues": queues,
    "destroy": destroy,
}


def main() -> int:
    """Do what the command line names."""
    try:
        VERBS[sys.argv[1]](print)
    except FleetError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
