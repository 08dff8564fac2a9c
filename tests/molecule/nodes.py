"""The two nodes on which the scenarios of roles work; run as `python -m tests.molecule.nodes`.

They are nodes of a local fleet without the rest of it, so `fleet local down --name molecule`
removes what a test that was killed has left.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

from fleet.clearml_api import connect
from fleet.command import use_system_path
from fleet.errors import FleetError
from fleet.images import build, digests
from fleet.local import addresses, gitremote, hostserver, network, nodes, registry
from fleet.local.down import down
from fleet.local.layout import Layout
from fleet.local.lock import locked
from fleet.queues import ensure_queues, live_workers

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


def agents(say: Callable[[str], None], task_image: str = "agent") -> None:
    """Have what agents need: a server, a queue, a registry with their images, step code to clone.

    `agents.json` in the state directory tells where: `agent_image`, `task_image`, `git_url`.

    Parameters
    ----------
    say : callable
        Takes a line about what was not there yet.
    task_image : str
        Name of the image that tasks run in; the agent's own will do where none is run.
    """
    serve(say)
    ours = layout()
    subnet, _ = network.ensure(ours)
    with locked(ours.images_lock, "the images", wait=True):
        services = build(["services"], echo=lambda line: None)["services"].image_id
        port, done = registry.ensure(ours, services, network.registry_of(subnet))
        names = dict.fromkeys(["agent", task_image])
        push_to = f"127.0.0.1:{port}"
        build(names, push_to=push_to, digests_file=ours.digests, echo=lambda line: None)
    gitremote.ensure(ours, services, network.git_of(subnet))
    ensure_queues(connect(ours.server / "clearml.conf"), [QUEUE])
    place = f"{network.registry_of(subnet)}:5000"
    pushed = digests.by_name(ours.digests)
    told = {
        "agent_image": f"{place}/fleet/agent@{pushed['agent']}",
        "task_image": f"{place}/fleet/{task_image}@{pushed[task_image]}",
        "git_url": gitremote.url(network.git_of(subnet)),
    }
    (ours.state / "agents.json").write_text(json.dumps(told, indent=2) + "\n")
    if done != nodes.KEPT:
        say(f"{place} {done}")


def queues(say: Callable[[str], None]) -> None:
    """Tell the names of the queues that the embedded server has."""
    api = connect(layout().server / "clearml.conf")
    for queue in api.call("queues.get_all")["queues"]:
        say(queue["name"])


def workers(say: Callable[[str], None]) -> None:
    """Tell which agents the embedded server hears of, each with its queues."""
    for worker in live_workers(connect(layout().server / "clearml.conf")):
        say(" ".join([worker.id, *worker.queues]))


def destroy(say: Callable[[str], None]) -> None:
    """Remove the nodes, their volumes and their network."""
    if layout().state.exists():
        down(layout(), say, keep_images=True)


VERBS = {
    "create": create,
    "serve": serve,
    "agents": agents,
    "queues": queues,
    "workers": workers,
    "destroy": destroy,
}


def main() -> int:
    """Do what the command line names."""
    try:
        VERBS[sys.argv[1]](print, *sys.argv[2:])
    except FleetError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
