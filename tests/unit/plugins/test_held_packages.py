"""The module that holds packages: what it makes of what dpkg and apt say."""

from __future__ import annotations

import pytest

from fleet.paths import REPOSITORY
from tests.own_modules import load_module

MODULE = load_module(REPOSITORY / "ansible" / "plugins" / "modules" / "held_packages.py")

LISTING = """\
containerd\thold\tinstalled\t1.7.24~ds1-6
docker.io\tinstall\tinstalled\t26.1.5+dfsg1-9
docker-cli\tdeinstall\tconfig-files\t26.1.5+dfsg1-9
"""
BORROW = {
    "12": {"codename": "trixie", "packages": ["docker.io", "docker-cli"], "sources": ["deb x"]}
}
SOURCES = "/etc/apt/sources.list.d/fleet-docker.list"
PINS = "/etc/apt/preferences.d/fleet-docker"


def test_only_what_is_installed_counts_and_whether_it_is_held():
    assert MODULE.parse_installed(LISTING) == {
        "containerd": (True, "1.7.24~ds1-6"),
        "docker.io": (False, "26.1.5+dfsg1-9"),
    }


@pytest.mark.parametrize(
    ("wanted", "wrong"),
    [
        ({"docker.io": "26.1.5*", "containerd": "1.7.24*"}, []),
        ({"docker.io": "26.1.5"}, ["docker.io"]),
        ({"docker.io": "27*"}, ["docker.io"]),
        ({"docker-cli": "26.1.5*"}, ["docker-cli"]),
    ],
)
def test_what_is_missing_or_another_version_is_told(wanted, wrong):
    assert MODULE.unmatched(wanted, MODULE.parse_installed(LISTING)) == wrong


def test_a_release_that_borrows_draws_nothing_else_from_the_other_one():
    files = MODULE.apt_files("docker", BORROW, "12")
    assert "deb x\n" in files[SOURCES]
    every, named = files[PINS].split("\n\n")
    assert "Package: *\nPin: release n=trixie*\nPin-Priority: -1" in every
    assert named == "Package: docker.io docker-cli\nPin: release n=trixie*\nPin-Priority: 990\n"


def test_another_release_has_no_such_files_and_loses_them_when_it_was_upgraded():
    assert MODULE.apt_files("docker", BORROW, "13") == {SOURCES: None, PINS: None}


def test_what_a_simulation_would_remove_is_read():
    simulation = "NOTE: …\nRemv runc [1.1.5]\nInst x\nPurg tini [0.19]\n"
    assert MODULE.removals(simulation) == {"runc", "tini"}


def test_what_packages_leave_goes_and_a_folder_that_others_use_stays(tmp_path):
    for name in ("tree/x", "cni/net.d/", "others/net.d/"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "others" / "net.d" / "10-own.conf").write_text("{}")
    wanted = ["tree", "cni/net.d/", "cni/", "others/net.d/", "others/", "absent"]
    for path in [f"{tmp_path}/{name}" for name in wanted]:
        if MODULE.remains([path]):
            MODULE.clear(path)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["others"]
    assert (tmp_path / "others" / "net.d" / "10-own.conf").exists()


def test_of_a_mount_point_the_content_goes(tmp_path, monkeypatch):
    (tmp_path / "overlay2" / "x").mkdir(parents=True)
    monkeypatch.setattr(MODULE.os.path, "ismount", lambda path: path == str(tmp_path))
    assert MODULE.remains([str(tmp_path)]) == [str(tmp_path)]
    MODULE.clear(str(tmp_path))

    assert list(tmp_path.iterdir()) == []
    assert MODULE.remains([str(tmp_path)]) == []
