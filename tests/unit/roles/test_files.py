"""Files and folders of a node, laid down by what the modules share."""

from pathlib import Path

import pytest


@pytest.fixture
def lay_down(load_module, tmp_path):
    files = load_module("ansible/plugins/module_utils/fleet_files.py")

    def run(configurations, dry_run=False):
        folders = {str(tmp_path / "etc"): 0o755, str(tmp_path / "etc" / "wishes"): 0o700}
        texts = {
            str(tmp_path / "etc" / name): (text, 0o600) for name, text in configurations.items()
        }
        return files.lay_down(folders, texts, dry_run)

    return run


def modes(folder):
    return {path.name: path.stat().st_mode & 0o7777 for path in folder.iterdir()}


def test_each_file_and_folder_has_the_mode_that_it_should(lay_down, tmp_path):
    changed = lay_down({"a": "1", "b": "2"})

    assert len(changed["written"]) == len(changed["folders"]) == 2
    assert modes(tmp_path / "etc") == {"a": 0o600, "b": 0o600, "wishes": 0o700}
    assert (tmp_path / "etc").stat().st_mode & 0o777 == 0o755


def test_what_matches_is_left_alone(lay_down):
    lay_down({"a": "1"})

    assert not any(lay_down({"a": "1"}).values())


def test_only_what_differs_is_written(lay_down, tmp_path):
    lay_down({"a": "1", "b": "2"})
    changed = lay_down({"a": "1", "b": "other"})

    assert [Path(path).name for path in changed["written"]] == ["b"]
    assert (tmp_path / "etc" / "b").read_text() == "other"


def test_a_file_that_others_may_read_is_mended(lay_down, tmp_path):
    lay_down({"a": "1"})
    (tmp_path / "etc" / "a").chmod(0o644)

    assert lay_down({"a": "1"})["written"]
    assert modes(tmp_path / "etc")["a"] == 0o600


def test_a_dry_run_says_the_same_and_does_nothing(lay_down, tmp_path):
    said = lay_down({"a": "1"}, dry_run=True)

    assert list(tmp_path.iterdir()) == []
    assert said == lay_down({"a": "1"})


def test_a_file_or_folder_of_another_group_is_mended(lay_down, tmp_path, monkeypatch):
    lay_down({"a": "1"})
    own = (tmp_path / "etc" / "a").stat().st_gid
    owners = []
    monkeypatch.setattr("os.getegid", lambda: own + 1)
    monkeypatch.setattr("os.chown", lambda path, user, group: owners.append(group))
    changed = lay_down({"a": "1"})

    assert len(changed["written"]) == 1
    assert len(changed["folders"]) == 2
    assert owners == [own + 1] * 3
