"""Which hosts a play of `site.yml` is for, by what is known of them."""

from __future__ import annotations

import pytest

from fleet.paths import REPOSITORY
from tests.own_modules import load_module

FILTER = load_module(REPOSITORY / "ansible" / "plugins" / "filter" / "fleet.py")
NEW = {"site_state": {"differs": {"docker": ["it was never done"]}, "new": True}}
DIFFERS = {"site_state": {"differs": {"docker": ["it is forced"]}, "new": False}}
MATCHES = {"site_state": {"differs": {}, "new": False}}


class Context:
    """The variables that a play's keyword is templated with."""

    def __init__(self, **hostvars):
        self._variables = {"hostvars": hostvars} if hostvars else {}

    def get_all(self):
        return self._variables


class Broken(dict):
    """A host whose plan cannot be made; only what was not asked for can be read."""

    def get(self, name, default=None):
        assert name not in ("clearml_agent_changed_slots", "clearml_agent_plan"), name
        return super().get(name, default)


def test_a_play_that_is_only_listed_has_no_hosts():
    for kind in ("production", "differing", "found_anew", "changed"):
        assert FILTER.fleet_hosts(Context(), kind) == []
    assert FILTER.fleet_batches(Context(), "25%") == ["25%"]


def test_nodes_that_differ_are_done_by_shares_and_new_ones_before_them_at_once():
    context = Context(a=MATCHES, b=DIFFERS, c=NEW, d=DIFFERS, e=NEW, f={})

    assert FILTER.fleet_hosts(context, "differing") == ["c", "e", "b", "d"]
    assert FILTER.fleet_batches(context, "25%") == [2, "25%"]
    assert FILTER.fleet_batches(Context(b=DIFFERS), "25%") == ["25%"]


def test_a_host_that_a_run_is_not_limited_to_is_not_asked_for_its_plan():
    context = Context(a={**MATCHES, "clearml_agent_changed_slots": ["a-0"]}, broken=Broken())

    for kind in ("production", "differing", "found_anew"):
        assert FILTER.fleet_hosts(context, kind) == []
    assert FILTER.fleet_hosts(context, "changed") == ["a"]


@pytest.mark.parametrize(("mig", "anew"), [({}, True), ({"0": ["7g.80gb"]}, False)])
def test_gpus_that_are_as_they_were_found_before_cost_nothing(monkeypatch, mig, anew):
    found = {"gpus": 1, "mig": {"0": ["7g.80gb"]}}
    monkeypatch.setattr(FILTER, "read_found", lambda *_: found)
    host = {"ansible_facts": {"fleet_found": found}, "preflight_mig": mig, "inventory_dir": "/i"}

    assert FILTER.fleet_hosts(Context(a=host, b={}), "found_anew") == (["a"] if anew else [])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_so_many_new_nodes_are_one_batch_and_then_shares_follow(count):
    hosts = {f"n-{number}": NEW for number in range(count)}

    assert FILTER.fleet_batches(Context(**hosts), "25%") == [count, "25%"]
    # Nodes that were not looked at, or failed as they were, are in no batch.
    assert FILTER.fleet_batches(Context(**hosts, failed={}), "25%") == [count, "25%"]


def test_nodes_and_what_rests_are_told_apart_without_a_look_at_their_plans():
    told = {"site_inventory": {"resting": ["b"]}}
    context = Context(a=Broken(told), b=Broken(told), elsewhere=Broken())

    assert FILTER.fleet_hosts(context, "nodes") == ["a"]
    assert FILTER.fleet_hosts(context, "resting") == ["b"]
