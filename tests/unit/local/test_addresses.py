import ipaddress
import os
import socket

import pytest

from fleet.errors import FleetError
from fleet.local import addresses
from fleet.local.addresses import Listener


def network(text):
    return ipaddress.IPv4Network(text)


def test_first_subnet_when_nothing_is_taken():
    assert addresses.choose_subnet([]) == network("172.30.77.0/24")


def test_a_second_fleet_gets_the_next_subnet():
    taken = [network("172.30.77.0/24"), network("172.17.0.0/16")]
    assert addresses.choose_subnet(taken) == network("172.30.78.0/24")


def test_a_wider_network_that_overlaps_is_avoided():
    chosen = addresses.choose_subnet([network("172.30.64.0/19")])
    assert chosen == network("172.30.96.0/24")


def test_no_free_subnet_is_an_error_with_a_mend():
    with pytest.raises(FleetError) as caught:
        addresses.choose_subnet([network("172.16.0.0/12")])
    assert "docker network prune" in caught.value.mend


def test_nodes_get_addresses_in_the_upper_half_in_order():
    given = addresses.node_addresses(network("172.30.77.0/24"), ["a", "b"], {})
    assert given == {"a": "172.30.77.129", "b": "172.30.77.130"}


def test_a_node_keeps_its_address_when_others_come_and_go():
    known = {"b": "172.30.77.130", "gone": "172.30.77.129", "moved": "172.30.99.131"}
    given = addresses.node_addresses(network("172.30.77.0/24"), ["new", "b", "moved"], known)
    assert given == {"new": "172.30.77.129", "b": "172.30.77.130", "moved": "172.30.77.131"}


def test_more_nodes_than_addresses_is_an_error():
    with pytest.raises(FleetError, match="200 nodes"):
        addresses.node_addresses(network("172.30.77.0/24"), [f"n{i}" for i in range(200)], {})


def test_routes_are_read_without_the_default_route():
    table = (
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
    )
    assert addresses.routed(table) == [network("172.17.0.0/16")]


REST = "00000000:00000000 00:00000000 00000000     0        0"
TCP = f"""\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout
   0: 0100007F:1F48 00000000:0000 0A {REST} 4711 1
   1: 00000000:1388 00000000:0000 0A {REST} 4712 1
   2: 0100007F:1F91 0100007F:C001 01 {REST} 4713 1
"""
TCP6 = f"""\
  sl  local_address remote_address st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout
   0: {"0" * 32}:1F91 {"0" * 32}:0000 0A {REST} 4714 1
"""


def test_listeners_are_read_and_connections_left_out():
    assert addresses.listeners([TCP, TCP6]) == [
        Listener("127.0.0.1", 8008, "4711"),
        Listener("0.0.0.0", 5000, "4712"),
        Listener("::", 8081, "4714"),
    ]


def test_a_listener_on_another_address_does_not_clash():
    found = addresses.listeners([TCP, TCP6])
    assert addresses.clashing(8008, "172.30.77.1", found) is None
    assert addresses.clashing(8008, "127.0.0.1", found).inode == "4711"
    assert addresses.clashing(8081, "172.30.77.1", found).inode == "4714"


def test_a_port_in_use_is_passed_over():
    assert addresses.free_port(5000, "127.0.0.1", addresses.listeners([TCP])) == 5001


def test_the_process_behind_a_port_is_found():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        clash = addresses.clashing(port, "127.0.0.1", addresses.listeners())
        assert addresses.process_of(clash)[0] == os.getpid()
