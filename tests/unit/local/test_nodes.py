import pytest

from fleet.errors import FleetError
from fleet.local import engine, nodes

V1 = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs ro
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
50 31 0:39 / /var/x rw,relatime - ext4 /dev/vda rw
"""


def test_a_machine_that_grants_all_makes_privileged_nodes():
    rights = nodes.rights_options(privileged=True, cgroups=("--cgroupns=private",))
    assert rights == ("--privileged", "--cgroupns=private")


def test_a_machine_that_does_not_grants_what_is_needed_one_by_one():
    rights = nodes.rights_options(privileged=False, cgroups=())
    assert "--privileged" not in rights
    assert "--cap-add=SYS_ADMIN" in rights
    assert "--cap-add=SYS_RESOURCE" not in rights
    assert "--security-opt=systempaths=unconfined" in rights


def test_control_groups_of_version_1_are_handed_over_one_by_one():
    options = nodes.cgroup_options("1", V1, privileged=False)
    assert options == (
        "--cgroupns=host",
        "--tmpfs=/sys/fs/cgroup",
        "--volume=/sys/fs/cgroup/cpu:/sys/fs/cgroup/cpu:rw",
        "--volume=/sys/fs/cgroup/unified:/sys/fs/cgroup/unified:rw",
    )


def test_control_groups_of_version_2_are_private_where_that_is_possible():
    assert nodes.cgroup_options("2", "", privileged=True) == ("--cgroupns=private",)
    assert "--cgroupns=host" in nodes.cgroup_options("2", "", privileged=False)


def test_a_node_keeps_its_images_in_a_labelled_volume(layout):
    container = nodes.describe(layout, "cpu-1", "sha256:aa", "172.30.77.129", ())
    assert "--volume=fleet-lab-cpu-1:/var/lib/docker" in container.options
    assert "--ip=172.30.77.129" in container.options
    assert container.role == "node"


def test_nodes_that_left_the_inventory_go_with_their_volumes(fake_engine, layout):
    fake_engine.answers["container", "ls"] = "fleet-lab-cpu-1\nfleet-lab-cpu-2\n"
    assert nodes.remove_others(layout, ["cpu-1"]) == ["cpu-2"]
    remove = ("rm", "--force", "--volumes", "fleet-lab-cpu-2")
    (emptied,) = [command for command in fake_engine.commands if command[0] == "exec"]
    assert emptied[1] == "fleet-lab-cpu-2"
    assert fake_engine.commands.index(emptied) < fake_engine.commands.index(remove)
    assert ("volume", "rm", "--force", "fleet-lab-cpu-2") in fake_engine.commands


def test_nothing_is_removed_when_all_nodes_are_wanted(fake_engine, layout):
    fake_engine.answers["container", "ls"] = "fleet-lab-cpu-1\n"
    assert nodes.remove_others(layout, ["cpu-1"]) == []
    assert not [c for c in fake_engine.commands if c[0] == "rm" or c[:2] == ("volume", "rm")]


def test_the_machines_proxy_is_handed_on(monkeypatch):
    monkeypatch.setattr(nodes, "find", lambda program: None)
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    monkeypatch.delenv("https_proxy", raising=False)
    assert nodes.apt_proxy() == 'Acquire::http::Proxy "http://proxy:3128";\n'
    monkeypatch.delenv("http_proxy")
    assert nodes.apt_proxy() == ""


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:3142", "http://localhost:3142/"])
def test_a_proxy_that_only_this_machine_reaches_is_not_handed_on(monkeypatch, proxy):
    monkeypatch.setattr(nodes, "find", lambda program: None)
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    assert nodes.apt_proxy() == 'Acquire::https::Proxy "http://proxy:3128";\n'


def test_a_node_that_does_not_answer_is_removed_all_the_same(monkeypatch):
    asked = []

    def docker(*arguments, **_):
        asked.append(arguments[1])
        raise FleetError("took longer")

    monkeypatch.setattr(engine, "docker", docker)
    nodes.empty(["fleet-lab-cpu-1", "fleet-lab-cpu-2"])
    assert sorted(asked) == ["fleet-lab-cpu-1", "fleet-lab-cpu-2"]
