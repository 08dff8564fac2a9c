import importlib.util
from pathlib import Path

import pytest

MODULE = Path(__file__).parents[3] / "roles" / "clearml_agent" / "library" / "agent_files.py"


@pytest.fixture(scope="module")
def agent_files():
    spec = importlib.util.spec_from_file_location("agent_files", MODULE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def lay_down(agent_files, tmp_path):
    def run(configurations, dry_run=False):
        folders = str(tmp_path / "etc"), str(tmp_path / "data")
        return agent_files.lay_down(*folders, configurations, dry_run)

    return run


def modes(folder):
    return {path.name: path.stat().st_mode & 0o7777 for path in folder.iterdir()}


def test_each_group_has_a_file_and_a_folder_that_only_root_reads(lay_down, tmp_path):
    changed = lay_down({"cpu_nodes": "a", "gpu_nodes": "b"})

    assert len(changed["written"]) == 2
    assert modes(tmp_path / "etc") == dict.fromkeys(
        ["cpu_nodes.clearml.conf", "gpu_nodes.clearml.conf"], 0o600
    )
    assert modes(tmp_path / "data") == {"cpu_nodes": 0o700, "gpu_nodes": 0o700}
    assert (tmp_path / "etc").stat().st_mode & 0o777 == 0o755


def test_what_matches_is_left_alone(lay_down):
    lay_down({"cpu_nodes": "a"})

    assert not any(lay_down({"cpu_nodes": "a"}).values())


def test_only_what_differs_is_written(lay_down, tmp_path):
    lay_down({"cpu_nodes": "a", "gpu_nodes": "b"})
    changed = lay_down({"cpu_nodes": "a", "gpu_nodes": "other"})

    assert [Path(path).name for path in changed["written"]] == ["gpu_nodes.clearml.conf"]
    assert (tmp_path / "etc" / "gpu_nodes.clearml.conf").read_text() == "other"


def test_a_file_that_others_may_read_is_mended(lay_down, tmp_path):
    lay_down({"cpu_nodes": "a"})
    (tmp_path / "etc" / "cpu_nodes.clearml.conf").chmod(0o644)

    assert lay_down({"cpu_nodes": "a"})["written"]
    assert modes(tmp_path / "etc") == {"cpu_nodes.clearml.conf": 0o600}


def test_what_agents_may_still_use_is_left_to_them(lay_down, tmp_path):
    lay_down({"cpu_nodes": "a", "gpu_nodes": "b"})
    lay_down({"cpu_nodes": "a"})

    assert (tmp_path / "etc" / "gpu_nodes.clearml.conf").read_text() == "b"


def test_a_dry_run_says_the_same_and_does_nothing(lay_down, tmp_path):
    said = lay_down({"cpu_nodes": "a"}, dry_run=True)

    assert list(tmp_path.iterdir()) == []
    assert said == lay_down({"cpu_nodes": "a"})
