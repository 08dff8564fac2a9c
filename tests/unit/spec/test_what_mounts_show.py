"""A mount shows a group's tasks data, and nothing by which they could take over the node."""

import pytest

from fleet.spec import examine
from tests.own_contract import SPEC_TEXT

GROUP = "    description: Work that needs no GPU\n"


@pytest.fixture
def rules_of(tmp_path):
    """The rules that a mount of a source breaks; its target is of no account."""

    def examined(source):
        mount = f"{{source: {source!r}, target: /data/x}}"
        path = tmp_path / "queues.yml"
        path.write_text(
            SPEC_TEXT.replace(GROUP, f"{GROUP}    data:\n      mounts:\n        - {mount}\n", 1)
        )
        return [(problem.rule, problem.what) for problem in examine(path)[1]]

    return examined


@pytest.mark.parametrize(
    "source",
    [
        *("/etc/ssl", "/root/.ssh", "/boot/grub", "/proc/1", "/sys/fs", "/dev/sda", "/run/user/0"),
        *("/run/docker.sock", "/var/run/docker.sock", "/var/lib/docker/volumes"),
        *("/var/lib/containerd/io", "/var/lib/fleet", "/var/lib/fleet/agent/gpu_nodes"),
        *("/usr/bin", "/usr/local/lib/python3", "/var/spool/cron/crontabs", "//etc//fleet/"),
    ],
)
def test_what_belongs_to_the_node_is_refused_and_what_is_in_it(rules_of, source):
    ((rule, what),) = rules_of(source)

    assert rule == "mount-of-the-system"
    assert f"{source} is the node's own" in what


@pytest.mark.parametrize("source", ["/", "/var", "/var/lib", "/var/lib/", "/usr", "/usr/local"])
def test_a_folder_that_holds_such_a_one_is_refused(rules_of, source):
    ((rule, what),) = rules_of(source)

    assert rule == "mount-of-the-system"
    assert f"{source} holds /" in what


@pytest.mark.parametrize("source", ["/home", "/home/ada", "/home/ada/.ssh", "/home/ada/.aws/cli"])
def test_keys_of_people_are_refused(rules_of, source):
    ((rule, what),) = rules_of(source)

    assert rule == "mount-of-the-system"
    assert "holds the keys of" in what


@pytest.mark.parametrize(
    "source",
    [
        *("/data", "/srv/datasets", "/mnt/nfs/etc", "/var/lib/datasets", "/var/lib/docker-data"),
        *("/home/ada/tables", "/homes/shared", "/etcetera", "/usr/share/tables", "/opt/data"),
        *("/var/data", "/media/disk", "/runs", "/home/ada/tables/.cache"),
    ],
)
def test_data_is_let_pass(rules_of, source):
    assert rules_of(source) == []


def test_a_store_without_its_port_is_told_before_any_node_is_reached(tmp_path):
    store = "{url: s3://store.example.com/models, credentials: vault_models}"
    path = tmp_path / "queues.yml"
    path.write_text(
        SPEC_TEXT.replace(GROUP, f"{GROUP}    data:\n      object_stores:\n        - {store}\n", 1)
    )
    ((rule, mend),) = [(problem.rule, problem.mend) for problem in examine(path)[1]]

    assert rule == "store-without-port"
    assert "s3://store.example.com:9000/models" in mend
