import importlib.util
from pathlib import Path

import pytest

MODULE = Path(__file__).parents[3] / "roles" / "clearml_agent" / "library" / "agent_leftovers.py"
COPY = ".clearml_agent.n%3A0.cfg"


@pytest.fixture(scope="module")
def leftovers():
    spec = importlib.util.spec_from_file_location("agent_leftovers", MODULE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def node(tmp_path):
    """The folders of a node with two groups, that had an older version once."""
    for name in (
        *("etc/compose.yaml", "etc/clearml.conf"),
        *("etc/cpu_nodes.clearml.conf", "etc/gpu_nodes.clearml.conf"),
        *(f"data/{COPY}", f"data/cpu_nodes/{COPY}", f"data/gpu_nodes/{COPY}"),
        *("data/gpu_nodes/vcs-cache/kept", "data/gpu_nodes/other.cfg"),
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret")
    return tmp_path


def names(node, paths):
    return [str(Path(path).relative_to(node)) for path in paths]


def test_credentials_of_a_group_that_left_the_node_go_and_nothing_else(leftovers, node):
    before = {path for path in node.rglob("*") if path.is_file()}
    found = leftovers.find_leftovers(str(node / "etc"), str(node / "data"), ["cpu_nodes"])
    leftovers.remove(found)

    assert names(node, found) == [
        "etc/clearml.conf",
        "etc/gpu_nodes.clearml.conf",
        f"data/{COPY}",
        f"data/gpu_nodes/{COPY}",
    ]
    after = {path for path in node.rglob("*") if path.is_file()}
    assert {str(path) for path in before - after} == set(found)
    assert leftovers.find_leftovers(str(node / "etc"), str(node / "data"), ["cpu_nodes"]) == []


def test_nothing_of_a_node_with_all_its_groups_goes(leftovers, node):
    (node / "etc" / "clearml.conf").unlink()
    (node / "data" / COPY).unlink()
    groups = ["gpu_nodes", "cpu_nodes"]

    assert leftovers.find_leftovers(str(node / "etc"), str(node / "data"), groups) == []


def test_a_machine_that_never_was_a_node_has_none(leftovers, tmp_path):
    assert leftovers.find_leftovers(str(tmp_path / "etc"), str(tmp_path / "data"), []) == []


def test_what_somebody_else_removed_is_no_error(leftovers, tmp_path):
    leftovers.remove([str(tmp_path / "gone")])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_whose_name_reads_as_a_pattern_is_taken_as_it_is(leftovers, tmp_path):
    (tmp_path / "e1").mkdir()
    (tmp_path / "e1" / "clearml.conf").touch()

    assert leftovers.find_leftovers(str(tmp_path / "e[1]"), str(tmp_path / "d*"), []) == []
