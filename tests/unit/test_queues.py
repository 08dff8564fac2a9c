"""Whether work on a queue would be taken up."""

import pytest

from fleet.errors import FleetError
from fleet.queues import check_queues

WISH = ("drained-by:ann", "drained-since:2026-11-23T19:00:00Z", "drained-why:a new disk")


class Server:
    """Stands for the connection: one queue, and its workers with their tags."""

    url = "http://server"

    def __init__(self, **workers):
        self.workers = workers

    def queues(self):
        return [{"id": "1", "name": "work"}]

    def call(self, endpoint, **_body):
        assert endpoint == "workers.get_all"
        return {
            "workers": [
                {"id": f"{name}:0", "queues": [{"name": "work"}], "tags": list(tags)}
                for name, tags in self.workers.items()
            ]
        }


def check(**workers):
    check_queues(Server(**workers), ["work"], declared=["work"])


def test_one_agent_at_work_is_enough():
    check(one=(), two=("state:drained", *WISH))


@pytest.mark.parametrize("state", ["drained", "draining"])
def test_a_queue_whose_agents_are_all_drained_has_no_live_agent_and_says_why(state):
    with pytest.raises(FleetError) as caught:
        check(one=(f"state:{state}", *WISH), two=(f"state:{state}",))
    for told in (
        "the queue 'work' has no live agent",
        f"one:0 is {state} by ann since 2026-11-23T19:00:00Z: a new disk",
        "`ansible-playbook undrain.yml --limit one,two`",
    ):
        assert told in str(caught.value)


def test_an_agent_whose_successor_stands_by_serves_its_queue():
    check(one=("state:draining", "successor:stands-by"))


def test_without_any_agent_the_old_message_stands():
    with pytest.raises(FleetError, match="would wait for ever"):
        check()
