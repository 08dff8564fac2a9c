"""The Docker network of a local fleet: its subnet, and who has which address in it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from fleet.local import addresses, engine
from fleet.local.layout import Layout
from fleet.proxies import bypass

_REGISTRY_HOST = 2
_GIT_HOST = 3


def subnet_for(layout: Layout, engine_answers: bool) -> addresses.Network:
    """Subnet of this fleet's network, or the first free one before it is made."""
    there = _subnets(engine.inspect("network", [layout.network])) if engine_answers else []
    if there:
        return there[0]
    taken = addresses.routed()
    if engine_answers:
        everything = engine.docker("network", "ls", "--quiet").stdout.split()
        taken += _subnets(engine.inspect("network", everything))
    return addresses.choose_subnet(taken)


def ensure(layout: Layout) -> tuple[addresses.Network, bool]:
    """Have the network; its subnet, and whether it was made now."""
    there = engine.inspect("network", [layout.network])
    subnet = subnet_for(layout, True)
    if not there:
        engine.docker(
            "network",
            "create",
            *layout.labels("network"),
            f"--subnet={subnet}",
            f"--gateway={gateway_of(subnet)}",
            layout.network,
        )
    return subnet, not there


def reach_directly(subnet: str | addresses.Network | None) -> None:
    """Let no proxy of this machine stand between it and the fleet, nor what it starts from now on.

    Parameters
    ----------
    subnet : str or addresses.Network or None
        The fleet's, once it is known; this machine's own addresses are left out in any case.
    """
    hosts = ["127.0.0.1", "localhost"]
    if subnet:
        # Not every program understands a subnet there.
        hosts += [str(subnet), gateway_of(ipaddress.ip_network(subnet))]
    bypass(hosts)


def gateway_of(subnet: addresses.Network) -> str:
    """Address of this machine in the network."""
    return str(subnet[1])


def registry_of(subnet: addresses.Network) -> str:
    """Address of the registry."""
    return str(subnet[_REGISTRY_HOST])


def git_of(subnet: addresses.Network) -> str:
    """Address of the git remote."""
    return str(subnet[_GIT_HOST])


def host_of(git_url: str) -> str:
    """The host of a git remote's URL."""
    return urlsplit(git_url).hostname or ""


def given(layout: Layout, nodes: list[str]) -> dict[str, str]:
    """Addresses that existing node containers have."""
    found = {}
    names = {layout.container(node): node for node in nodes}
    for container in engine.inspect("container", list(names)):
        attached = container["NetworkSettings"]["Networks"].get(layout.network) or {}
        address = (attached.get("IPAMConfig") or {}).get("IPv4Address") or attached.get("IPAddress")
        if address:
            found[names[container["Name"].lstrip("/")]] = address
    return found


def _subnets(networks: list[dict]) -> list[addresses.Network]:
    found = []
    for network in networks:
        for config in network["IPAM"]["Config"] or []:
            subnet = ipaddress.ip_network(config["Subnet"], strict=False)
            if subnet.version == 4:
                found.append(subnet)
    return found
