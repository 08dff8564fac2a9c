import os
from pathlib import Path

import pytest

from fleet.drift.commands import Commands, seen_from
from fleet.paths import REPOSITORY


@pytest.fixture(autouse=True)
def checkout(monkeypatch):
    monkeypatch.chdir(REPOSITORY)


def test_provisioning_names_the_inventory_as_it_is_seen_from_the_playbook():
    commands = Commands((Path("inventories/production"), Path("more hosts")))
    assert commands.limited("n1", "n2") == (
        "(cd ansible && ansible-playbook -i ../inventories/production -i '../more hosts' site.yml "
        "--limit n1,n2)"
    )


def test_values_that_the_plan_was_given_are_given_on():
    commands = Commands((), {"fleet_registry": "r:5000"}, {"--config": "a b", "--registry": "r"})
    assert commands.site() == ("(cd ansible && ansible-playbook site.yml -e fleet_registry=r:5000)")
    assert commands.publish() == "fleet template publish --config 'a b' --registry r"


def test_a_path_is_written_the_shorter_way(tmp_path, monkeypatch):
    assert seen_from(REPOSITORY / "inventories/local") == "inventories/local"
    assert seen_from(Path("/etc/x")) == "/etc/x"
    monkeypatch.chdir("/")
    assert seen_from(tmp_path) in (str(tmp_path), os.path.relpath(tmp_path))
