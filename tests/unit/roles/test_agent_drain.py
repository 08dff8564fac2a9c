"""The wish that agents take nothing, and what counts as something in hand."""

import json

import pytest


@pytest.fixture(scope="module")
def drain(load_module):
    return load_module("ansible/plugins/module_utils/fleet_wishes.py")


@pytest.fixture(scope="module")
def state(load_module):
    return load_module("roles/clearml_agent/library/agent_state.py")


def test_a_wish_says_why_by_whom_and_since_when(drain, tmp_path):
    drain.wish(str(tmp_path / "wishes"), "a new disk", "sre")
    found = json.loads((tmp_path / "wishes" / "drained").read_text())

    assert (found["reason"], found["by"]) == ("a new disk", "sre")
    assert found["since"].endswith("Z")
    assert drain.read_wish(str(tmp_path / "wishes")) == found
    assert [path.name for path in (tmp_path / "wishes").iterdir()] == ["drained"]


def test_a_wish_can_be_read_by_agents_and_withdrawn_twice(drain, tmp_path):
    drain.wish(str(tmp_path), "", "")
    assert (tmp_path / "drained").stat().st_mode & 0o777 == 0o644
    drain.withdraw(str(tmp_path))
    drain.withdraw(str(tmp_path))
    assert drain.read_wish(str(tmp_path)) is None


def test_a_file_that_somebody_touched_by_hand_is_a_wish(drain, tmp_path):
    (tmp_path / "drained").touch()

    assert drain.read_wish(str(tmp_path)) == {}


def slot(state, task=None):
    return {"slot": "n-0", "state": state, "task": task}


@pytest.mark.parametrize("name", ["drained", "standing-by", "stopped"])
def test_an_agent_that_has_nothing_and_takes_nothing_is_free(state, name):
    assert state.not_free([slot(name)]) == []


@pytest.mark.parametrize("name", ["idle", "busy", "draining", "leaving", "unknown"])
def test_any_other_may_have_something(state, name):
    assert state.not_free([slot(name, "t1")]) == [f"n-0: {name}, task t1"]


def test_whoever_waited_in_vain_is_told_for_what_and_the_ways_on(state):
    told = state.said(state.not_free([slot("draining", "t1")]))

    assert "n-0: draining, task t1" in told
    assert "fleet_wait_for_tasks" in told
    assert "fleet_put_back" in told


class Module:
    """Stands for Ansible's side of a module: its options, and what it says."""

    def __init__(self, **params):
        self.params, self.said = params, None

    def fail_json(self, **said):
        self.said = said
        raise SystemExit(1)

    exit_json = fail_json


def test_the_wish_is_told_also_where_docker_does_not_answer(drain, state, tmp_path, monkeypatch):
    drain.wish(str(tmp_path), "a new disk", "sre")
    module = Module(project="fleet", wishes=str(tmp_path))

    def there(_engine):
        raise state.EngineError("Docker is installed and does not answer")

    monkeypatch.setattr(state, "AnsibleModule", lambda **_: module)
    monkeypatch.setattr(state.Engine, "there", there)
    with pytest.raises(SystemExit):
        state.main()

    assert "does not answer" in module.said["msg"]
    assert module.said["wish"]["reason"] == "a new disk"
