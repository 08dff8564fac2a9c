"""The unit that starts and ends a node's agents with the machine."""

import pytest
from ansible.module_utils import fleet_systemd


@pytest.fixture
def unit(load_module, tmp_path, monkeypatch):
    """The unit of a project on a machine whose systemd says what a test has it say."""
    module = load_module("ansible/plugins/module_utils/fleet_agent_unit.py")
    said, answers = [], {}

    def systemctl(*arguments):
        said.append(" ".join(arguments))
        return answers.get(arguments[0], 0)

    monkeypatch.setattr(module, "UNITS", str(tmp_path))
    monkeypatch.setattr(module, "systemctl", systemctl)
    monkeypatch.setattr(fleet_systemd, "systemctl", systemctl)

    def made(text=""):
        found = module.AgentUnit("fleet", text)
        found.said, found.answers = said, answers
        return found

    made.there = tmp_path / "fleet-agents.service"
    return made


def test_one_that_is_enabled_and_at_work_is_left_alone(unit):
    found = unit("[Unit]")

    assert found.files == {str(unit.there): ("[Unit]", 0o644)}
    assert not found.enable(dry=False, anew=False)
    assert found.said == ["is-enabled fleet-agents.service", "is-active fleet-agents.service"]


@pytest.mark.parametrize("answers", [{"is-enabled": 1}, {"is-active": 3}])
def test_one_that_would_not_start_with_the_machine_is_enabled(unit, answers):
    found = unit("[Unit]")
    found.answers |= answers

    assert found.enable(dry=True, anew=False)
    assert len(found.said) == 2
    assert found.enable(dry=False, anew=False)
    assert found.said[-2:] == ["daemon-reload", "enable --now fleet-agents.service"]


def test_a_new_text_is_read_again(unit):
    found = unit("[Unit]")

    assert found.enable(dry=False, anew=True)
    assert "daemon-reload" in found.said


def test_a_node_without_one_has_nothing_to_do(unit):
    found = unit()

    assert found.files == {}
    assert not found.enable(dry=False, anew=False)
    assert not found.retire(dry=False)
    assert not found.remove(dry=False)
    assert found.said == []


def test_one_that_is_retired_goes_on_until_it_is_removed(unit):
    unit.there.write_text("[Unit]")
    found = unit()

    assert found.retire(dry=True)
    assert found.said == ["is-enabled fleet-agents.service"]
    assert found.retire(dry=False)
    assert found.said[-1] == "disable fleet-agents.service"
    assert found.remove(dry=True)
    assert unit.there.exists()
    assert found.remove(dry=False)
    assert found.said[-2:] == ["disable --now fleet-agents.service", "daemon-reload"]
    assert not unit.there.exists()
    found.answers["is-enabled"] = 1
    assert not found.retire(dry=False)


def test_a_systemd_that_refuses_is_told_with_where_it_says_why(unit):
    found = unit("[Unit]")
    found.answers |= {"is-enabled": 1, "enable": 1}

    with pytest.raises(fleet_systemd.SystemdError, match="journalctl --unit fleet-agents"):
        found.enable(dry=False, anew=False)
