import pytest

from fleet.errors import FleetError
from fleet.local import addresses
from fleet.local import up as module
from fleet.local.checks import Wanted
from fleet.local.lock import locked
from fleet.local.progress import Progress
from fleet.local.up import ACTIONS, RUN, Action, Fleet, up


@pytest.fixture
def wanted(layout, tmp_path):
    return Wanted(layout, tmp_path, run=False)


@pytest.fixture
def actions(monkeypatch):
    def use(*found):
        monkeypatch.setattr(module, "ACTIONS", list(found))

    return use


def test_the_actions_in_their_order():
    assert [action.name for action in ACTIONS] == [
        "checks", "engine", "host images", "network", "registry", "images", "git", "server",
        "nodes", "playbook", "templates", "run",
    ]  # fmt: skip
    assert ACTIONS[-1] is RUN


def test_each_action_has_a_line_with_its_seconds(actions, wanted):
    lines = []
    actions(Action("first", lambda fleet: "made"), Action("second", lambda fleet: "kept"))
    fleet = up(wanted, lines.append)
    assert [line.split()[:2] for line in lines] == [["[1/2]", "first"], ["[2/2]", "second"]]
    assert lines[0].endswith("s  made")
    assert set(fleet.progress.seconds) == {"first", "second"}


def test_an_action_that_fails_stops_the_rest_and_a_second_up_goes_on(actions, wanted):
    done = []
    broken = [True]

    def second(fleet):
        if broken[0]:
            raise FleetError("no disk")
        return "made"

    def first(fleet):
        done.append("first")
        return "kept"

    def third(fleet):
        done.append("third")
        return ""

    actions(Action("first", first), Action("second", second), Action("third", third))
    lines = []
    with pytest.raises(FleetError, match="no disk"):
        up(wanted, lines.append)
    assert done == ["first"]
    assert "failed" in lines[-1]
    broken[0] = False
    up(wanted, lines.append)
    assert done == ["first", "first", "third"]


def test_an_interrupt_lets_go_of_the_fleet(actions, wanted, layout):
    def interrupted(fleet):
        raise KeyboardInterrupt

    actions(Action("first", interrupted))
    with pytest.raises(KeyboardInterrupt):
        up(wanted, lambda line: None)
    with locked(layout.lock, "the fleet"):
        pass


def test_two_at_once_are_refused(actions, wanted, layout):
    actions(Action("first", lambda fleet: ""))
    with locked(layout.lock, "it"), pytest.raises(FleetError, match="changed by another command"):
        up(wanted, lambda line: None)


def test_another_servers_credentials_are_not_taken(actions, wanted, monkeypatch):
    monkeypatch.setenv("CLEARML_API_ACCESS_KEY", "of another server")
    monkeypatch.setenv("FLEET_LOCAL_NAME", "another")
    seen = {}
    actions(Action("look", lambda fleet: seen.update(module.os.environ) or ""))
    up(wanted, lambda line: None)
    assert "CLEARML_API_ACCESS_KEY" not in seen
    assert seen["FLEET_LOCAL_NAME"] == "lab"


def test_another_checkouts_fleet_is_seen_once_the_engine_that_rested_runs(
    wanted, layout, monkeypatch
):
    running = []
    info = {"ServerVersion": "26.1.5", "SecurityOptions": []}
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(module.engine, "info", lambda: info if running else None)
    monkeypatch.setattr(module.engine, "living_homes", lambda _: {"/else/.fleet/lab"})
    monkeypatch.setattr(module.daemon, "missing_packages", lambda *, engine_answers: [])
    monkeypatch.setattr(module.daemon, "remember", lambda *_: None)
    monkeypatch.setattr(module.daemon, "start", lambda *_: running.append("dockerd"))
    with pytest.raises(FleetError, match="of another checkout"):
        module.have_engine(Fleet(wanted, Progress(lambda line: None, 1)))


def test_the_digests_of_a_fleet_are_its_own(wanted, layout, monkeypatch):
    asked = {}
    monkeypatch.setattr(module, "build", lambda names, **options: asked.update(options) or {})
    fleet = Fleet(wanted, Progress(lambda line: None, 1), registry_port=5000)
    module.have_node_images(fleet)
    assert asked["push_to"] == "127.0.0.1:5000"
    assert asked["digests_file"] == layout.digests
    assert layout.digests.parent == layout.state


def test_no_proxy_stands_before_the_fleet_once_its_subnet_is_known(wanted, monkeypatch):
    subnet = addresses.FIRST_SUBNET
    monkeypatch.setattr(module.network, "ensure", lambda layout: (subnet, True))
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    module.have_network(Fleet(wanted, Progress(lambda line: None, 1)))
    assert str(subnet) in module.os.environ["no_proxy"].split(",")


def test_the_actions_find_system_programs(actions, wanted, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    actions(Action("look", lambda fleet: module.os.environ["PATH"]))
    lines = []
    up(wanted, lines.append)
    assert "/usr/sbin" in lines[-1]
