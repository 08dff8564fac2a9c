"""Choose addresses and ports that are free on this machine."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleet.errors import FleetError

Network = ipaddress.IPv4Network

#: First subnet to try, and how many after it.
FIRST_SUBNET = ipaddress.IPv4Network("172.30.77.0/24")
SUBNETS = 64
_LISTEN = "0A"


@dataclass(frozen=True)
class Listener:
    """A TCP port that something listens on."""

    address: str
    port: int
    inode: str

    @property
    def everywhere(self) -> bool:
        """Whether it listens on all addresses of the machine."""
        return self.address in ("0.0.0.0", "::")


def choose_subnet(taken: Iterable[Network]) -> Network:
    """The first subnet that overlaps none of those taken.

    Raises
    ------
    FleetError
        All are taken.
    """
    taken = list(taken)
    first = int(FIRST_SUBNET.network_address)
    for number in range(SUBNETS):
        subnet = ipaddress.IPv4Network((first + number * FIRST_SUBNET.num_addresses, 24))
        if not any(subnet.overlaps(other) for other in taken):
            return subnet
    raise FleetError(
        f"no free subnet for the local fleet in {SUBNETS} from {FIRST_SUBNET} on",
        where="routes of this machine and networks of its Docker Engine",
        mend="remove networks that are not used any more: `docker network prune`",
    )


def node_addresses(
    subnet: Network, nodes: Sequence[str], known: Mapping[str, str]
) -> dict[str, str]:
    """An address in the upper half of the subnet for each node; a node keeps the one it has.

    Parameters
    ----------
    subnet : IPv4Network
        A /24.
    nodes : sequence of str
        Names, in the inventory's order.
    known : mapping of str to str
        Addresses given out before; those outside the subnet are not used again.
    """
    base = int(subnet.network_address)
    pool = [str(ipaddress.IPv4Address(base + host)) for host in range(129, 255)]
    if len(nodes) > len(pool):
        raise FleetError(
            f"{len(nodes)} nodes do not fit into the local fleet",
            mend=f"keep at most {len(pool)} nodes in the inventory",
        )
    kept = {node: known[node] for node in nodes if known.get(node) in pool}
    free = (address for address in pool if address not in kept.values())
    return {node: kept[node] if node in kept else next(free) for node in nodes}


def routed(table: str | None = None) -> list[Network]:
    """Networks that this machine has routes to, but for the default route."""
    text = Path("/proc/net/route").read_text() if table is None else table
    networks = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8 or fields[7] == "00000000":
            continue
        address, mask = (_dotted(fields[1]), _dotted(fields[7]))
        networks.append(ipaddress.IPv4Network(f"{address}/{mask}", strict=False))
    return networks


def listeners(tables: Sequence[str] | None = None) -> list[Listener]:
    """The TCP ports that are listened on."""
    if tables is None:
        paths = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
        tables = [path.read_text() for path in paths if path.exists()]
    found = []
    for table in tables:
        for line in table.splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == _LISTEN:
                address, port = fields[1].split(":")
                found.append(Listener(_address(address), int(port, 16), fields[9]))
    return found


def clashing(port: int, address: str, found: Iterable[Listener]) -> Listener | None:
    """What keeps an address and port from being listened on."""
    for listener in found:
        if listener.port == port and (listener.everywhere or listener.address == address):
            return listener
    return None


def free_port(first: int, address: str, found: Sequence[Listener]) -> int:
    """The first port from `first` on that nothing listens on at an address."""
    for port in range(first, first + 100):
        if clashing(port, address, found) is None:
            return port
    raise FleetError(
        f"ports {first} to {first + 99} on {address} are all in use",
        mend="stop what listens there",
    )


def process_of(listener: Listener) -> tuple[int, str] | None:
    """Id and name of the process that listens, where this user may see it."""
    wanted = f"socket:[{listener.inode}]"
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            for descriptor in (directory / "fd").iterdir():
                if str(descriptor.readlink()) == wanted:
                    return int(directory.name), (directory / "comm").read_text().strip()
        except OSError:
            continue
    return None


def _dotted(word: str) -> str:
    return socket.inet_ntoa(struct.pack("<I", int(word, 16)))


def _address(word: str) -> str:
    if len(word) == 8:
        return _dotted(word)
    packed = b"".join(struct.pack("<I", int(word[i : i + 8], 16)) for i in range(0, 32, 8))
    return str(ipaddress.IPv6Address(packed))
