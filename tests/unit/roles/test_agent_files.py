"""The files of a node's agents: what is laid down, and which of them are leftovers."""

import pytest

WANTED = {
    "config_directory": "/etc/fleet",
    "data_directory": "/data",
    "configurations": {"cpu_nodes": "secret", "gpu_nodes": "other"},
    "slots": {"n-0": "cpu_nodes", "n-1": "gpu_nodes"},
}


@pytest.fixture(scope="module")
def files(load_module):
    return load_module("ansible/plugins/module_utils/fleet_agent_files.py")


@pytest.fixture
def node(tmp_path):
    """The folders of a node with two groups, that had an older version once."""
    copy = ".clearml_agent.n%3A0.cfg"
    for name in (
        *("etc/compose.yaml", "etc/clearml.conf"),
        *("etc/cpu_nodes.clearml.conf", "etc/gpu_nodes.clearml.conf"),
        *(f"data/{copy}", f"data/cpu_nodes/{copy}", f"data/gpu_nodes/{copy}"),
        *("data/gpu_nodes/vcs-cache/kept", "data/gpu_nodes/other.cfg"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret")
    return tmp_path


def test_only_root_reads_credentials_and_what_agents_keep(files):
    laid_down = files.files_of(WANTED, "services: {}")
    folders = files.folders_of(WANTED)

    assert laid_down == {
        "/etc/fleet/cpu_nodes.clearml.conf": ("secret", 0o600),
        "/etc/fleet/gpu_nodes.clearml.conf": ("other", 0o600),
        "/etc/fleet/compose.yaml": ("services: {}", 0o644),
    }
    assert {path for path, mode in folders.items() if mode != 0o700} == {
        "/etc/fleet",
        "/etc/fleet/wishes",
    }
    assert {"/data/cpu_nodes/.agent/n-0", "/data/gpu_nodes/.agent/n-1"} <= set(folders)


def test_each_folder_comes_after_the_one_that_it_is_in(files):
    folders = list(files.folders_of(WANTED))

    for place, path in enumerate(folders):
        assert not any(other.startswith(f"{path}/") for other in folders[:place])


def test_a_group_without_its_folder_is_lost(files, tmp_path):
    (tmp_path / "cpu_nodes").mkdir()

    assert files.lost_groups(WANTED | {"data_directory": str(tmp_path)}) == {"gpu_nodes"}


def test_credentials_of_a_group_that_left_the_node_are_leftovers_and_nothing_else(files, node):
    found = files.leftover_credentials(str(node / "etc"), str(node / "data"), {"cpu_nodes"})

    assert [path.removeprefix(f"{node}/") for path in found] == [
        "etc/clearml.conf",
        "etc/gpu_nodes.clearml.conf",
        "data/.clearml_agent.n%3A0.cfg",
        "data/gpu_nodes/.clearml_agent.n%3A0.cfg",
    ]


def test_a_machine_that_never_was_a_node_has_no_leftovers(files, tmp_path):
    assert files.leftover_credentials(f"{tmp_path}/etc", f"{tmp_path}/data", set()) == []
