"""How many nodes `site.yml` does at a time, and when it stops: its own play, with other tasks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fleet.paths import REPOSITORY

PLAYBOOKS = REPOSITORY / "ansible"
NODES = [f"n-{number}" for number in range(1, 9)]
#: What the play that provisions says of its hosts and of how it goes about them.
KEYWORDS = ("hosts", "serial", "max_fail_percentage", "gather_facts")


@pytest.fixture
def provision(tmp_path):
    """Run the play that provisions, on nodes of which some cannot be; the nodes it came to."""
    plays = yaml.safe_load((PLAYBOOKS / "site.yml").read_text())
    (play,) = (one for one in plays if one["name"] == "Provision the nodes that differ")

    def run(*bad: str, new: bool = False, **more: str) -> list[str]:
        state = {"differs": {"docker": ["it is forced"]}, "new": new}
        found = {"hosts": "all", "gather_facts": False}
        found["tasks"] = [{"ansible.builtin.set_fact": {"site_state": state}}]
        done = {key: play[key] for key in KEYWORDS if key in play}
        done["tasks"] = [
            {"name": "Come to it", "ansible.builtin.debug": {"msg": "{{ inventory_hostname }}"}},
            {
                "name": "Do it",
                "ansible.builtin.assert": {"that": "inventory_hostname not in bad"},
            },
        ]
        (tmp_path / "play.yml").write_text(json.dumps([found, done]))
        variables = json.dumps({"bad": bad, **more})
        told = subprocess.run(
            [
                *(Path(sys.executable).with_name("ansible-playbook"), "-i", ",".join(NODES)),
                *("-c", "local", "-e", variables, str(tmp_path / "play.yml")),
            ],
            cwd=PLAYBOOKS,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (told.returncode == 0) == (not bad), told.stdout + told.stderr
        # Those of one batch come in any order.
        return sorted(re.findall(r"msg: (n-\d)", told.stdout))

    return run


def test_all_nodes_are_done_where_none_fails(provision):
    assert provision() == NODES


def test_a_quarter_is_done_at_a_time_and_the_rest_is_left_alone_where_all_of_it_fails(provision):
    assert provision("n-1", "n-2") == NODES[:2]


def test_one_that_fails_of_two_keeps_no_other_and_the_play_fails(provision):
    assert provision("n-1") == NODES


def test_share_and_failures_are_the_operators_choice(provision):
    more = {"fleet_serial": "50%", "fleet_max_fail_percentage": "0"}
    assert provision("n-1", **more) == NODES[:4]


def test_new_nodes_have_no_work_to_lose_and_are_done_at_once(provision):
    assert provision("n-1", "n-2", new=True) == NODES
