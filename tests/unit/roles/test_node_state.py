"""What `site.yml` finds of a node, and whether there is anything to do."""

import json
import sys

import pytest


class NoEngine:
    def answers(self):
        return False


@pytest.fixture(scope="module")
def module(load_module):
    return load_module("ansible/plugins/modules/node_state.py")


@pytest.fixture
def owned(tmp_path):
    """What a role owns, and how it left that."""
    (tmp_path / "daemon.json").write_text("{}")
    (tmp_path / "daemon.json").chmod(0o644)
    return {"files": [f"{tmp_path}/*.json", f"{tmp_path}/absent"]}


def record(module, owned, fingerprint="1"):
    found = {"fingerprint": fingerprint, "owned": owned, "state": module.observe(owned)}
    return json.loads(json.dumps({"docker": found}))


def compare(module, kept, fingerprint="1"):
    return module.compare(kept, {"docker": fingerprint}, NoEngine())


def test_a_node_that_is_as_it_was_left_matches(module, owned):
    assert compare(module, record(module, owned)) == {}


def test_a_new_node_and_other_variables_differ(module, owned):
    assert compare(module, {}) == {"docker": ["it was never done"]}
    found = compare(module, record(module, owned), fingerprint="2")
    assert found == {"docker": ["its code or its variables changed"]}


@pytest.mark.parametrize(
    ("touch", "told"),
    [
        (lambda folder: (folder / "daemon.json").write_text("[]"), "daemon.json is "),
        (lambda folder: (folder / "daemon.json").chmod(0o600), "0600, and was left "),
        (lambda folder: (folder / "daemon.json").unlink(), "daemon.json is gone, and was left "),
        (lambda folder: (folder / "absent").touch(), "absent is "),
        (lambda folder: (folder / "more.json").touch(), "more.json is there, and was not"),
    ],
)
def test_what_was_touched_by_hand_differs(module, owned, tmp_path, touch, told):
    kept = record(module, owned)
    touch(tmp_path)

    (reason,) = compare(module, kept)["docker"]
    assert told in reason


@pytest.mark.parametrize(
    ("touch", "told"),
    [
        (lambda folder: folder.chmod(0o755), "0755, and was left "),
        (lambda folder: (folder / "caches").rmdir() or folder.rmdir(), "is absent, and was left "),
    ],
)
def test_a_folder_counts_and_not_what_is_in_it(module, tmp_path, touch, told):
    group = tmp_path / "cpu_nodes"
    group.mkdir(mode=0o700)
    kept = record(module, {"files": [str(group)]})
    (group / "caches").mkdir()
    assert compare(module, kept) == {}

    touch(group)
    (reason,) = compare(module, kept)["docker"]
    assert told in reason


def test_packages_and_units_are_read_as_they_are(module, monkeypatch):
    said = {
        "dpkg-query": "docker.io hi 26.1.5\ndocker-cli ii 26.1.5\n",
        "systemctl": "Id=docker.service\nActiveState=active\nUnitFileState=enabled\n\n",
        "nvidia-smi": "GPU 0: A (UUID: x)\n  MIG 3g.40gb Device 0: (UUID: y)\nGPU 1: A (UUID: z)\n",
    }
    monkeypatch.setattr(module, "_output", lambda command, *_: said[command])
    seen = module.observe(
        {
            "packages": ["docker.io", "docker-cli", "docker-compose"],
            "units": ["docker.service", "gone.service"],
            "gpus": True,
        }
    )

    assert seen == {
        "package docker.io": "hi 26.1.5",
        "package docker-cli": "ii 26.1.5",
        "package docker-compose": "absent",
        "unit docker.service": "active enabled",
        "unit gone.service": "absent",
        "GPU 0": "3g.40gb",
        "GPU 1": "whole",
    }


class Engine:
    def __init__(self, *containers):
        self._containers = containers

    def answers(self):
        return True

    def containers(self, **_):
        return [
            {
                "Name": f"/{name}",
                "Config": {"Labels": {"fleet.slot": "n-0", "fleet.group": "cpu_nodes"}, "Env": []},
                "State": {"Running": running, "Health": {"Status": health}},
                "HostConfig": {"RestartPolicy": {"Name": restart}},
            }
            for name, running, health, restart in self._containers
        ]


def project_in(folder, *groups):
    data = str(folder / "data")
    return {"directory": str(folder), "name": "fleet", "data": data, "groups": list(groups)}


GOOD = ("fleet-n-0.aaaaaaaa", True, "healthy", "unless-stopped")
LEAVING = ("fleet-n-0.bbbbbbbb", True, "healthy", "no")


@pytest.mark.parametrize(
    ("containers", "told"),
    [
        ([GOOD], []),
        # It finishes its task, and goes by itself.
        ([GOOD, LEAVING], []),
        ([GOOD, (LEAVING[0], False, "healthy", "no")], []),
        ([], ["the agent fleet-n-0.aaaaaaaa does not run"]),
        ([(GOOD[0], False, *GOOD[2:])], ["the agent fleet-n-0.aaaaaaaa does not run"]),
        ([(*GOOD[:3], "no")], ["the agent fleet-n-0.aaaaaaaa was told to leave"]),
        ([(*GOOD[:2], "unhealthy", GOOD[3])], ["the agent fleet-n-0.aaaaaaaa does not poll"]),
        (
            [GOOD, (LEAVING[0], *GOOD[1:])],
            ["the agent fleet-n-0.bbbbbbbb is not wanted any more"],
        ),
    ],
)
def test_agents_must_be_those_of_the_project(module, tmp_path, containers, told):
    (tmp_path / "compose.yaml").write_text('    container_name: "fleet-n-0.aaaaaaaa"\n')
    project = project_in(tmp_path)

    assert module.agents_amiss(project, Engine(*containers)) == told


def test_a_project_whose_file_is_gone_differs(module, tmp_path):
    project = project_in(tmp_path)

    assert module.agents_amiss(project, Engine(GOOD)) == [
        "the agent fleet-n-0.aaaaaaaa is not wanted any more"
    ]


@pytest.fixture
def run(ansible_playbook, tmp_path):
    """What the module says when Ansible runs it."""

    def run(**options):
        task = {"record": str(tmp_path / "etc" / "record.json"), "fingerprints": {}, **options}
        tasks = [
            {"node_state": task, "register": "said"},
            {
                "ansible.builtin.copy": {
                    "content": "{{ said | to_json }}",
                    "dest": f"{tmp_path}/said",
                    "mode": "0600",
                }
            },
        ]
        play = {"hosts": "localhost", "gather_facts": False, "connection": "local", "tasks": tasks}
        play["vars"] = {"ansible_python_interpreter": sys.executable}
        (tmp_path / "play.yml").write_text(json.dumps([play]))
        done = ansible_playbook("-i", "localhost,", "play.yml", folder=tmp_path)
        assert done.status == 0, done.said
        return json.loads((tmp_path / "said").read_text())

    return run


def test_slots_are_unproven_until_a_run_has_proven_them(run, tmp_path):
    assert run(fingerprints={"docker": "1"})["new"] is True
    kept = run(fingerprints={"docker": "1"}, owned={"docker": {}}, unproven=["n-0", "n-1"])
    assert kept["unproven"] == ["n-0", "n-1"]
    run(proven=["n-0"])
    found = run(fingerprints={"docker": "1"})

    assert (found["new"], found["differs"], found["unproven"]) == (False, {}, ["n-1"])
    assert (tmp_path / "etc" / "record.json").stat().st_mode & 0o777 == 0o600
    forced = run(fingerprints={"docker": "1"}, force=True)
    assert forced["differs"] == {"docker": ["it is forced"]}


def test_an_agent_that_shall_leave_and_was_not_told_differs(module, tmp_path, monkeypatch):
    (tmp_path / "compose.yaml").write_text('    container_name: "fleet-n-0.aaaaaaaa"\n')
    said = {"state": "busy"}
    slots = sys.modules["ansible.module_utils.fleet_slots"]
    monkeypatch.setattr(slots, "states", lambda found: [said for _ in found])
    amiss = module.agents_amiss(project_in(tmp_path), Engine(GOOD, LEAVING))

    assert amiss == ["the agent fleet-n-0.bbbbbbbb shall leave, and was not told"]
    said["state"] = "leaving"
    assert module.agents_amiss(project_in(tmp_path), Engine(GOOD, LEAVING)) == []


def test_credentials_of_a_group_differ_once_its_agent_has_left(module, tmp_path):
    (tmp_path / "cpu_nodes.clearml.conf").touch()
    (tmp_path / "gpu_nodes.clearml.conf").touch()
    project = project_in(tmp_path, "gpu_nodes")

    assert module.agents_amiss(project, Engine(LEAVING)) == []
    assert module.agents_amiss(project, Engine()) == [
        f"{tmp_path}/cpu_nodes.clearml.conf holds credentials of agents that are gone"
    ]
