"""What is up of a local fleet."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from fleet.command import find
from fleet.local import engine, gitremote, hostserver, network, registry, ssh
from fleet.local.layout import GIT, REGISTRY, Layout


@dataclass(frozen=True)
class Part:
    """One part of a fleet: what it is, where, and how it does."""

    name: str
    address: str
    well: bool
    detail: str = ""


@dataclass
class Status:
    """A fleet's parts, and what is wrong with it."""

    name: str
    parts: list[Part] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether everything is up."""
        return bool(self.parts) and all(part.well for part in self.parts)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "whole": self.whole,
            "parts": [asdict(part) for part in self.parts],
        }


def status(layout: Layout) -> Status:
    """Look at every part of a fleet; change nothing."""
    found = Status(layout.name)
    record = layout.read_record()
    info = engine.info() if find("docker") else None
    version = f"Docker {info['ServerVersion']}" if info else "no Docker Engine answers"
    found.parts.append(Part("engine", "", info is not None, version))
    if record is None:
        found.parts.append(Part("fleet", str(layout.state), False, "was never wholly up"))
        return found
    gateway = record["gateway"]
    network.reach_directly(record["subnet"])
    found.parts.append(_server(layout, gateway))
    if info is None:
        return found
    found.parts.append(_service(layout, REGISTRY, record["registry"]))
    found.parts.append(_service(layout, GIT, record["git_url"]))
    with ThreadPoolExecutor(max_workers=8) as pool:
        look = pool.map(lambda node: _node(layout, *node), record["nodes"].items())
        found.parts.extend(look)
    return found


def _server(layout: Layout, gateway: str) -> Part:
    process = hostserver.running(layout)
    if process is None:
        detail = f"does not run; its log: {hostserver.log_file(layout)}"
        return Part("server", hostserver.api_url(gateway), False, detail)
    well = hostserver.answers(gateway)
    detail = f"process {process}" if well else f"process {process} does not answer"
    return Part("server", hostserver.api_url(gateway), well, detail)


def _service(layout: Layout, what: str, address: str) -> Part:
    state = _state(layout, what)
    if state != "running":
        return Part(what, address, False, state)
    record = layout.read_record()
    answers = (
        registry.answers(record["registry_port"])
        if what == REGISTRY
        else gitremote.answers(network.host_of(address))
    )
    return Part(what, address, answers, "" if answers else "runs, but does not answer")


def _node(layout: Layout, node: str, address: str) -> Part:
    state = _state(layout, node)
    if state != "running":
        return Part(node, address, False, state)
    if not ssh.reachable(layout, node):
        return Part(node, address, False, "runs, but takes no SSH connection")
    listing = engine.docker(
        *("exec", layout.container(node), "docker", "ps", "--all"),
        *("--format", "{{.Names}}: {{.Status}}"),
        check=False,
    )
    if listing.returncode != 0:
        return Part(node, address, False, "no Docker Engine answers in it; run the playbook")
    inner = sorted(listing.stdout.splitlines())
    slots_at_work = {_slot(line) for line in inner if ": Up" in line}
    ill = [
        line
        for line in inner
        if (": Up" not in line or "(unhealthy)" in line)
        # An agent that handed its slot over and has ended is removed later.
        and not (": Exited (0)" in line and _slot(line) in slots_at_work)
    ]
    well = bool(inner) and not ill
    return Part(node, address, well, "; ".join(ill or inner) or "has no agent; run the playbook")


def _slot(line: str) -> str:
    """The slot of an agent's container, whose name ends in its generation."""
    return line.partition(": ")[0].rpartition(".")[0]


def _state(layout: Layout, what: str) -> str:
    there = engine.inspect("container", [layout.container(what)])
    return there[0]["State"]["Status"] if there else "is not there"
