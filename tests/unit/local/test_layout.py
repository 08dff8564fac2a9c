import stat
from pathlib import Path

import pytest

from fleet.errors import FleetError
from fleet.local.layout import Layout, write_private


def test_two_fleets_share_no_name(tmp_path):
    one, two = Layout("local", tmp_path), Layout("e2e", tmp_path)
    for attribute in ("state", "record", "server", "git", "ssh_config", "network", "lock"):
        assert getattr(one, attribute) != getattr(two, attribute)
    assert one.container("cpu-1") != two.container("cpu-1")
    assert one.volume("cpu-1") != two.volume("cpu-1")


def test_everything_is_labelled_with_the_fleet_and_its_checkout(tmp_path):
    labels = Layout("lab", tmp_path).labels("node")
    assert "--label=fleet.local=lab" in labels
    assert f"--label=fleet.local.home={tmp_path / 'lab'}" in labels
    assert "--label=fleet.local.role=node" in labels


@pytest.mark.parametrize(
    "name", ["", "Local", "1st", "a/b", "..", "a" * 32, "a b", "engine", "images"]
)
def test_a_name_that_is_no_name_is_refused(name, tmp_path):
    with pytest.raises(FleetError, match="cannot be the name"):
        Layout(name, tmp_path)


def test_no_record_before_the_fleet_is_up(layout):
    assert layout.read_record() is None


def test_private_files_are_whole_and_private(tmp_path):
    path = tmp_path / "secret"
    write_private(path, "one")
    write_private(path, "two")
    assert path.read_text() == "two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_the_record_of_another_user_is_an_error_that_says_so(layout, monkeypatch):
    def refuse(*_):
        raise PermissionError("not yours")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(FleetError, match="belong to another user"):
        layout.read_record()
