import pytest

from fleet.plan import back_to_work, rest_of
from fleet.plan.drained import Rest

WISH = ("drained-by:ann", "drained-since:2026-11-23T19:00:00Z", "drained-why:fans: both")


@pytest.mark.parametrize("tags", [(), ("image:sha256:1",), ("state:other",), WISH])
def test_an_agent_that_does_not_say_so_is_at_work(tags):
    assert rest_of(tags) is None


def test_the_tags_of_a_wish_are_read_whole():
    rest = rest_of(("state:drained", *WISH))
    assert rest == Rest("drained", "ann", "2026-11-23T19:00:00Z", "fans: both")
    assert str(rest) == "drained by ann since 2026-11-23T19:00:00Z: fans: both"


def test_a_wish_holds_for_a_successor_too():
    tags = ("state:draining", "successor:stands-by")
    assert rest_of(tags).replaced
    assert not rest_of((*tags, *WISH)).replaced
    assert not rest_of(("state:draining",)).replaced


def test_the_way_back_names_each_node_once():
    assert back_to_work(["a:0", "a:1", "b:0"]) == "ansible-playbook undrain.yml --limit a,b"
