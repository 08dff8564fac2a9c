import pytest

from fleet.images import bases, engine
from fleet.images.catalog import BaseSpec
from fleet.images.debootstrap import mirrors

SPEC = BaseSpec(image="debian:bookworm-slim", digest="sha256:" + "a" * 64)
PULLED = ("debian@sha256:" + "a" * 64, "sha256:" + "a" * 64, "registry")
MADE = ("fleet/base-bookworm:debootstrap", "sha256:made", "debootstrap")


@pytest.mark.parametrize(
    ("mode", "pulled", "made", "expected"),
    [
        ("auto", True, True, PULLED),
        ("auto", False, True, MADE),
        ("auto", False, False, None),
        ("registry", True, True, PULLED),
        ("registry", False, True, None),
        ("debootstrap", True, True, MADE),
        ("debootstrap", True, False, None),
    ],
)
def test_the_base_that_is_there_is_taken_if_it_may_be(monkeypatch, mode, pulled, made, expected):
    there = {PULLED[0]: {"Id": "x"}} if pulled else {}
    if made:
        there[MADE[0]] = {"Id": "sha256:id", "RootFS": {"Layers": [MADE[1]]}}
    monkeypatch.setattr(engine, "inspect", there.get)
    ours = {MADE[0]: "sha256:id"} if made else {}
    base = bases.find("bookworm", SPEC, mode, ours)
    assert (base and (base.reference, base.identity, base.origin)) == expected


def test_the_mirrors_of_this_machine_are_used():
    targets = (
        "Google|cloud|https://packages.example/apt/\n"
        "Debian|Debian-Security|http://mirror.example/debian-security/\n"
        "Debian|Debian|http://mirror.example/debian/\n"
        "Debian|Debian|http://other.example/debian/\n"
    )
    assert mirrors(targets) == (
        "http://mirror.example/debian",
        "http://mirror.example/debian-security",
    )
    assert mirrors("Ubuntu|Ubuntu|http://mirror.example/ubuntu/\n") == (None, None)
