import os

import pytest
from requests.utils import should_bypass_proxies

from fleet.local import network

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture
def environment(monkeypatch):
    """This process's variables, with none of a proxy."""
    clean = {name: value for name, value in os.environ.items() if name.lower() not in PROXIES}
    monkeypatch.setattr(os, "environ", clean)
    return clean


def test_the_fleet_is_reached_without_the_machines_proxy(environment):
    environment |= {"https_proxy": "http://proxy:3128", "NO_PROXY": "intern.example"}
    network.reach_directly(None)
    network.reach_directly("172.30.77.0/24")
    network.reach_directly("172.30.77.0/24")
    wanted = "intern.example,127.0.0.1,localhost,172.30.77.0/24,172.30.77.1"
    assert environment["no_proxy"] == environment["NO_PROXY"] == wanted
    assert should_bypass_proxies("http://172.30.77.129:8008", environment["no_proxy"])


def test_a_machine_without_a_proxy_is_left_as_it_is(environment):
    network.reach_directly("172.30.77.0/24")
    assert not {"no_proxy", "NO_PROXY"} & set(environment)
