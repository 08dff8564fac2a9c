"""How the agents of a node are replaced: what is started, who is told to leave, and when."""

import shutil

import pytest
from ansible.module_utils import fleet_agent_unit, fleet_systemd

PROJECT = "fleet"


class Engine:
    """An engine that holds containers as `docker inspect` shows them, and notes what it is told."""

    def __init__(self):
        self.held, self.told, self.images = {}, [], set()

    def add(self, name, *, running=True, restart="unless-stopped", health="healthy"):
        slot = name.removeprefix(f"{PROJECT}-").partition(".")[0]
        labels = {"fleet.slot": slot, "fleet.group": "cpu_nodes"}
        self.held[name] = {
            "Name": f"/{name}",
            "Config": {"Labels": labels, "Env": [f"CLEARML_WORKER_ID={slot}"]},
            "State": {"Running": running, "Health": {"Status": health}},
            "HostConfig": {"RestartPolicy": {"Name": restart}},
        }

    def answers(self):
        return True

    def there(self):
        return True

    def containers(self, **_):
        return list(self.held.values())

    def has_image(self, image):
        return image in self.images

    def keep_stopped(self, name):
        self.told.append(("keep stopped", name))
        self.held[name]["HostConfig"]["RestartPolicy"]["Name"] = "no"

    def terminate(self, name):
        self.told.append(("terminate", name))
        if name not in BUSY:
            self.held[name]["State"]["Running"] = False

    def remove(self, name):
        self.told.append(("remove", name))
        del self.held[name]


BUSY, UNTOLD = set(), set()


@pytest.fixture
def project(load_module):
    return load_module("ansible/plugins/module_utils/fleet_project.py")


@pytest.fixture
def engine(project, monkeypatch):
    """An engine whose agents are well, and busy where a test says so."""
    engine = Engine()
    BUSY.clear()
    UNTOLD.clear()

    def docker(*arguments, **_):
        if arguments[0] == "compose":
            for service in arguments[arguments.index("--no-recreate") + 1 :]:
                engine.add(f"{PROJECT}-{service}")
        return 0, ""

    def states(found):
        tasks = ["t1" if agent.container in BUSY else None for agent in found]
        return [
            {"slot": agent.slot, "container": agent.container, "task": task}
            for agent, task in zip(found, tasks, strict=True)
        ]

    monkeypatch.setattr(project, "docker", docker)
    monkeypatch.setattr(project, "states", states)
    monkeypatch.setattr(
        project, "untold", lambda found: [one for one in found if one.container in UNTOLD]
    )
    monkeypatch.setattr(project, "_TOLD_SECONDS", 0)
    monkeypatch.setattr(project, "_LOOK_SECONDS", 0)
    return engine


def bring(project, engine, wanted, images=()):
    made = project.Project(engine, PROJECT, "/etc/fleet", wanted)
    made.pull(images)
    made.start(0)
    made.hand_over(5)
    made.clear()
    return made.report


OLD, NEW = "fleet-n-0.aaaaaaaa", "fleet-n-0.bbbbbbbb"


def test_a_node_without_agents_gets_them(project, engine):
    report = bring(project, engine, [OLD, "fleet-n-1.cccccccc"])

    assert report.started == [OLD, "fleet-n-1.cccccccc"]
    assert engine.told == []


def test_what_is_the_same_is_left_alone(project, engine):
    engine.add(OLD)

    assert not bring(project, engine, [OLD]).changed


def test_an_idle_agent_is_replaced_and_removed_when_its_successor_is_there(project, engine):
    engine.add(OLD)
    report = bring(project, engine, [NEW])

    assert report.started == [NEW]
    assert engine.told == [("keep stopped", OLD), ("terminate", OLD), ("remove", OLD)]
    assert list(engine.held) == [NEW]
    assert report.leaving == []


def test_a_busy_agent_is_named_and_told_once(project, engine):
    engine.add(OLD)
    BUSY.add(OLD)
    report = bring(project, engine, [NEW])
    again = bring(project, engine, [NEW])

    assert report.leaving == [{"slot": "n-0", "container": OLD, "task": "t1"}]
    # A second signal would have it put its task back.
    assert [what for what, _ in engine.told] == ["keep stopped", "terminate"]
    assert not again.changed
    assert again.leaving == report.leaving


def test_nobody_leaves_for_a_successor_that_does_not_poll(project, engine, monkeypatch):
    engine.add(OLD)
    there = project.docker

    def ill(*arguments, **options):
        if arguments[0] == "exec":
            return 1, ""
        return (0, "no such host") if arguments[0] == "logs" else there(*arguments, **options)

    monkeypatch.setattr(project, "docker", ill)
    with pytest.raises(project.ProjectError, match="no such host") as raised:
        bring(project, engine, [NEW])

    assert NEW in str(raised.value)
    assert engine.told == []
    # Nor the next time, when it is there already.
    with pytest.raises(project.ProjectError):
        bring(project, engine, [NEW])
    assert engine.told == []


def test_an_agent_that_was_stopped_by_hand_is_started(project, engine):
    engine.add(OLD, running=False)

    assert bring(project, engine, [OLD]).started == [OLD]


def test_a_slot_that_is_gone_has_no_successor(project, engine):
    engine.add(OLD)
    report = bring(project, engine, [])

    assert (report.started, report.told) == ([], [OLD])


def test_what_is_set_back_gets_an_agent_beside_the_one_that_leaves(project, load_module):
    slots = load_module("ansible/plugins/module_utils/fleet_slots.py")
    engine = Engine()
    engine.add(OLD, restart="no")
    text = 'services:\n  "n-0.aaaaaaaa":\n    container_name: "fleet-n-0.aaaaaaaa"\n'
    other = project.beside_leaving(text, slots.agents(engine, PROJECT))

    assert project.generations(text) == [OLD]
    assert project.generations(other) == ["fleet-n-0.aaaaaaab"]
    assert '"n-0.aaaaaaab":' in other

    # And keeps it when the first one is gone.
    engine = Engine()
    engine.add("fleet-n-0.aaaaaaab")
    assert project.beside_leaving(text, slots.agents(engine, PROJECT)) == other


def test_a_dry_run_says_what_would_be_and_does_nothing(project, engine):
    engine.add(OLD)
    made = project.Project(engine, PROJECT, "/etc/fleet", [NEW])
    made.plan(["registry/image"])

    assert (made.report.started, made.report.told) == ([NEW], [OLD])
    assert made.report.pulled == ["registry/image"]
    assert engine.told == []
    assert list(engine.held) == [OLD]


def test_tasks_are_put_back_by_a_second_signal(project, engine):
    engine.add(OLD)
    BUSY.add(OLD)
    made = project.Project(engine, PROJECT, "/etc/fleet", [])
    made.hand_over(5)
    BUSY.clear()
    made.put_back()
    made.clear()

    assert [what for what, _ in engine.told].count("terminate") == 2
    assert engine.held == {}


def test_an_agent_whose_signal_was_cut_off_is_told_by_the_next_run(project, engine):
    engine.add(OLD, restart="no")
    engine.add(NEW)
    UNTOLD.add(OLD)
    dry = project.Project(engine, PROJECT, "/etc/fleet", [NEW])
    dry.plan([])
    report = bring(project, engine, [NEW])

    assert (dry.report.told, dry.report.leaving) == ([OLD], [])
    assert report.told == [OLD]
    assert ("terminate", OLD) in engine.told
    assert list(engine.held) == [NEW]


def test_each_agent_is_told_before_the_next_is_kept_from_starting(project, engine):
    engine.add(OLD)
    engine.add("fleet-n-1.cccccccc")
    bring(project, engine, [])

    assert [what for what, _ in engine.told[:4]] == ["keep stopped", "terminate"] * 2


def test_an_agent_that_has_yet_to_notice_is_not_told_twice(project, engine, monkeypatch):
    engine.add(OLD, restart="no")
    BUSY.add(OLD)
    looks = iter([[OLD], [OLD]])
    monkeypatch.setattr(project, "_TOLD_SECONDS", 60)
    monkeypatch.setattr(
        project, "untold", lambda found: [a for a in found if a.container in next(looks, [])]
    )

    assert bring(project, engine, []).told == []


class Machine:
    """What a module knows of a run, and a systemd that has the unit."""

    check_mode = False

    def __init__(self, folder, monkeypatch):
        self.said = []
        (folder / "units").mkdir()
        (folder / "units" / "fleet-agents.service").write_text("[Service]")
        monkeypatch.setattr(fleet_agent_unit, "UNITS", str(folder / "units"))
        monkeypatch.setattr(fleet_systemd, "systemctl", self.systemctl)
        monkeypatch.setattr(fleet_agent_unit, "systemctl", self.systemctl)

    def systemctl(self, *arguments):
        self.said.append(" ".join(arguments[:-1]))
        return 0

    @staticmethod
    def wanted(folder, **more):
        return {
            "project": PROJECT,
            "config_directory": str(folder / "etc"),
            "data_directory": str(folder / "data"),
            "settle_seconds": 0,
            "wait_for_tasks": 0,
            "put_back": False,
            "keep_caches": True,
            **more,
        }


@pytest.fixture
def node(tmp_path):
    """The folders of a node with agents."""
    for name in ("compose.yaml", "cpu_nodes.clearml.conf"):
        path = tmp_path / "etc" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("secret")
    return tmp_path


@pytest.fixture
def module(load_module, project, monkeypatch):
    loaded = load_module("roles/clearml_agent/library/agent_project.py")
    monkeypatch.setattr(loaded, "Project", project.Project)
    monkeypatch.setattr(loaded, "ProjectError", project.ProjectError)
    return loaded


def test_a_disabled_node_stays_so_after_a_reboot_though_a_task_still_runs(
    module, engine, node, monkeypatch
):
    engine.add(OLD)
    BUSY.add(OLD)
    machine = Machine(node, monkeypatch)
    said = module.uninstall(machine, engine, machine.wanted(node))

    assert [one["container"] for one in said["leaving"]] == [OLD]
    assert not (node / "etc" / "compose.yaml").exists()
    # What it does as the machine goes down is still for the agent that leaves.
    assert "disable" in machine.said
    assert "disable --now" not in machine.said
    assert (node / "units" / "fleet-agents.service").exists()
    assert (node / "etc" / "cpu_nodes.clearml.conf").exists()


def test_tasks_that_are_not_put_back_in_time_are_told(module, project, engine, node, monkeypatch):
    engine.add(OLD)
    BUSY.add(OLD)
    monkeypatch.setattr(project, "_PUT_BACK_SECONDS", 0)
    machine = Machine(node, monkeypatch)

    with pytest.raises(module.ProjectError, match=f"still there: {OLD} with task t1"):
        module.uninstall(machine, engine, machine.wanted(node, put_back=True))


def test_nothing_goes_where_docker_is_down(module, load_module, node, monkeypatch):
    shared = load_module("ansible/plugins/module_utils/fleet_engine.py")
    monkeypatch.setattr(shared, "is_installed", lambda: True)
    down = shared.Engine(str(node / "no.sock"))
    machine = Machine(node, monkeypatch)

    with pytest.raises(shared.EngineError, match="systemctl start docker"):
        module.uninstall(machine, down, machine.wanted(node))
    assert (node / "etc" / "cpu_nodes.clearml.conf").exists()
    assert machine.said == []

    # A machine without Docker has no agents.
    monkeypatch.setattr(shared, "is_installed", lambda: False)
    module.uninstall(machine, down, machine.wanted(node))
    assert not (node / "etc").exists()


def test_a_project_is_not_laid_down_before_its_images_are_there(
    module, project, engine, tmp_path, monkeypatch
):
    machine = Machine(tmp_path, monkeypatch)
    monkeypatch.setattr(project, "docker", lambda *_, **__: (1, "no such host"))
    wanted = machine.wanted(tmp_path) | {
        "compose": 'container_name: "fleet-n-0.aaaaaaaa"',
        "configurations": {"cpu_nodes": "secret"},
        "slots": {"n-0": "cpu_nodes"},
        "images": ["registry/image"],
        "unit": "",
    }

    with pytest.raises(module.ProjectError, match="cannot be pulled"):
        module.install(machine, engine, wanted)
    assert [path.name for path in (tmp_path / "etc").iterdir()] == ["wishes"]


def test_an_agent_whose_folder_was_removed_gets_a_successor_that_sees_the_new_one(
    module, project, engine, tmp_path, monkeypatch
):
    machine = Machine(tmp_path, monkeypatch)
    wanted = machine.wanted(tmp_path) | {
        "compose": f'    container_name: "{OLD}"\n',
        "configurations": {"cpu_nodes": "secret"},
        "slots": {"n-0": "cpu_nodes"},
        "images": [],
        "unit": "",
        "start_timeout": 0,
    }
    module.install(machine, engine, wanted)
    assert list(engine.held) == [OLD]
    shutil.rmtree(tmp_path / "data" / "cpu_nodes")
    said = module.install(machine, engine, wanted)

    (new,) = [agent["container"] for agent in said["started"]]
    assert (said["told"], list(engine.held)) == ([OLD], [new])
    assert new in (tmp_path / "etc" / "compose.yaml").read_text()
    # One that is as it was before is left alone from then on.
    assert not module.install(machine, engine, wanted)["changed"]
