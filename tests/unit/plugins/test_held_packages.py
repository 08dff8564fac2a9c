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
