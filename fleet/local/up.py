"""Bring a local fleet up: a short list of named actions, each of which looks at what is there.

An action that is interrupted is done again by the next `up`; one that is done is kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fleet.clearml_api import Api, connect
from fleet.command import use_system_path
from fleet.images import BuiltImage, build, digests
from fleet.local import (
    addresses,
    daemon,
    engine,
    gitremote,
    hostserver,
    network,
    nodes,
    playbook,
    registry,
)
from fleet.local.checks import Wanted, check, check_engine, check_owner
from fleet.local.images import HOST_IMAGES, NODE_IMAGES
from fleet.local.layout import Layout, write_private
from fleet.local.lock import locked
from fleet.local.progress import Progress
from fleet.runs import Run, prepare, start, wait
from fleet.runs.request import TARGET_FIELD
from fleet.spec import Spec
from fleet.templates import StepCode, committed_step_code, publish

_RUN_SECONDS = 1800.0


@dataclass
class Fleet:
    """A fleet on its way up: what was asked for, and what the actions have found so far."""

    wanted: Wanted
    progress: Progress
    spec: Spec | None = None
    nodes: list[str] = field(default_factory=list)
    images: dict[str, BuiltImage] = field(default_factory=dict)
    subnet: addresses.Network | None = None
    registry_port: int = 0
    run: Run | None = None

    @property
    def layout(self) -> Layout:
        """Names and places."""
        return self.wanted.layout

    @property
    def gateway(self) -> str:
        """This machine's address in the fleet's network."""
        return network.gateway_of(self.subnet)

    @property
    def registry(self) -> str:
        """The registry, as nodes reach it."""
        return f"{network.registry_of(self.subnet)}:5000"

    @property
    def git_url(self) -> str:
        """The git remote, as nodes reach it."""
        return gitremote.url(network.git_of(self.subnet))

    def connect(self) -> Api:
        """A connection to this fleet's own server."""
        return connect(self.layout.server / "clearml.conf")


@dataclass(frozen=True)
class Action:
    """One thing to see to: its name, and what does it and returns what its line should say."""

    name: str
    do: Callable[[Fleet], str]


def up(wanted: Wanted, echo: Callable[[str], None]) -> Fleet:
    """Bring a fleet up, or what is missing of it.

    Parameters
    ----------
    wanted : Wanted
        What was asked for.
    echo : callable
        Takes a line of progress.

    Returns
    -------
    Fleet
        The fleet, with its run if one was asked for.

    Raises
    ------
    FleetError
        What was wrong. What was done before stays, and `up` goes on from there.
    """
    actions = ACTIONS if wanted.run else [a for a in ACTIONS if a is not RUN]
    fleet = Fleet(wanted, Progress(echo, len(actions)))
    layout = wanted.layout
    os.environ["FLEET_LOCAL_NAME"] = layout.name
    # The SDK would take these before the fleet's own file.
    for variable in [name for name in os.environ if name.startswith("CLEARML_API_")]:
        del os.environ[variable]
    network.reach_directly(None)
    use_system_path()
    with locked(layout.lock, f"the local fleet {layout.name!r}"):
        perform(actions, fleet)
    return fleet


def perform(actions: Sequence[Action], fleet: Fleet) -> None:
    """Do the actions in their order, each with its line."""
    for action in actions:
        with fleet.progress.action(action.name) as note:
            note.append(action.do(fleet))


def check_all(fleet: Fleet) -> str:
    """Know all that can be known before anything is made."""
    fleet.spec, fleet.nodes = check(fleet.wanted)
    return f"{len(fleet.nodes)} nodes: {', '.join(fleet.nodes)}"


def have_engine(fleet: Fleet) -> str:
    """Have a Docker Engine that answers, and the programs that are used."""
    layout, say = fleet.layout, fleet.progress.say
    with locked(layout.engine_lock, "the Docker Engine", wait=True):
        answered = engine.info() if daemon.find("docker") else None
        missing = daemon.missing_packages(engine_answers=answered is not None)
        if answered is None:
            # Debian's package starts the engine, too.
            daemon.remember(layout, daemon.PENDING)
        if missing:
            daemon.install(missing, say)
        if answered is None:
            daemon.start(layout, say)
    found = engine.info()
    if answered is None:
        # Of an engine at rest, the checks could not ask.
        check_engine(found, os.environ.get("DOCKER_HOST", ""))
        check_owner(layout, found)
    return f"Docker {(found or {}).get('ServerVersion')}"


def have_host_images(fleet: Fleet) -> str:
    """Have the images that only this machine uses; what is built already is kept."""
    fleet.layout.state.mkdir(parents=True, exist_ok=True)
    fleet.layout.state.chmod(0o700)
    return _build(fleet, HOST_IMAGES, push_to=None)


def have_node_images(fleet: Fleet) -> str:
    """Have the images that nodes pull, in the registry: each is pushed while the next is built."""
    done = _build(fleet, NODE_IMAGES, push_to=f"127.0.0.1:{fleet.registry_port}")
    digests.show(fleet.layout.digests)
    return done


def _build(fleet: Fleet, names: Sequence[str], push_to: str | None) -> str:
    with locked(fleet.layout.images_lock, "the images", wait=True):
        fleet.images |= build(
            names,
            push_to=push_to,
            digests_file=fleet.layout.digests,
            echo=fleet.progress.say,
        )
    return ", ".join(names)


def have_network(fleet: Fleet) -> str:
    """Have the network, which gives this machine its address in the fleet."""
    fleet.subnet, made = network.ensure(fleet.layout)
    network.reach_directly(fleet.subnet)
    return f"{fleet.subnet} {'created' if made else 'kept'}"


def have_registry(fleet: Fleet) -> str:
    """Have the registry that nodes pull from."""
    address = network.registry_of(fleet.subnet)
    image = fleet.images["services"].image_id
    fleet.registry_port, done = registry.ensure(fleet.layout, image, address)
    return f"{fleet.registry} {done}"


def have_git_remote(fleet: Fleet) -> str:
    """Have the git remote, with the commits of this checkout."""
    image = fleet.images["services"].image_id
    done = gitremote.ensure(fleet.layout, image, network.git_of(fleet.subnet))
    return f"{fleet.git_url} {done}"


def have_server(fleet: Fleet) -> str:
    """Have the embedded server answer."""
    done = hostserver.ensure(fleet.layout, fleet.gateway)
    return f"{hostserver.api_url(fleet.gateway)} {done}"


def have_nodes(fleet: Fleet) -> str:
    """Have the inventory's nodes, booted and reachable, and say where everything is."""
    layout = fleet.layout
    given = network.given(layout, fleet.nodes)
    chosen = addresses.node_addresses(fleet.subnet, fleet.nodes, given)
    done = nodes.ensure(layout, fleet.images["node"].image_id, chosen, fleet.progress.say)
    record = {
        "name": layout.name,
        "subnet": str(fleet.subnet),
        "gateway": fleet.gateway,
        "api_url": hostserver.api_url(fleet.gateway),
        "files_url": hostserver.files_url(fleet.gateway),
        "registry": fleet.registry,
        "registry_port": fleet.registry_port,
        "git_url": fleet.git_url,
        "digests": str(layout.digests),
        "inventory": str(fleet.wanted.inventory.resolve()),
        "node_image": fleet.images["node"].image_id,
        "nodes": chosen,
    }
    write_private(layout.record, json.dumps(record, indent=2) + "\n")
    return done


def provision(fleet: Fleet) -> str:
    """Bring the nodes to what queues.yml says, by the playbook that production uses."""
    say = fleet.progress.say
    changed, log = playbook.run_playbook(
        fleet.layout, fleet.wanted.inventory, "site.yml", lambda task: say(f"  {task}")
    )
    return f"{changed} changed, log: {log}"


def publish_templates(fleet: Fleet) -> str:
    """Publish the templates, pinned to the committed step code and the pushed images."""
    gitremote.push(fleet.layout)
    code = StepCode(fleet.git_url, committed_step_code(), gitremote.BRANCH)
    published = publish(
        fleet.connect(),
        fleet.spec,
        code,
        registry=fleet.registry,
        digests=digests.by_name(fleet.layout.digests),
    )
    fresh = sum(template.outcome == "published" for template in published)
    return f"{fresh} published, {len(published) - fresh} kept"


def run_pipeline(fleet: Fleet) -> str:
    """Run the pipeline to its end, good or bad: on the user's file, or on its default data."""
    wanted, say = fleet.wanted, fleet.progress.say
    values = {TARGET_FIELD: wanted.target} if wanted.target else {}
    request = prepare(fleet.spec, "pipeline", values, data_file=wanted.data)
    api = fleet.connect()
    started = start(api, fleet.spec, request)
    fleet.run = wait(api, started.run_id, seconds=_RUN_SECONDS, echo=say)
    return f"run {started.run_id} {fleet.run.status}"


RUN = Action("run", run_pipeline)
ACTIONS = [
    Action("checks", check_all),
    Action("engine", have_engine),
    Action("host images", have_host_images),
    Action("network", have_network),
    Action("registry", have_registry),
    Action("images", have_node_images),
    Action("git", have_git_remote),
    Action("server", have_server),
    Action("nodes", have_nodes),
    Action("playbook", provision),
    Action("templates", publish_templates),
    RUN,
]
