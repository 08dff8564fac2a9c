"""What roles install and run is pinned, with a comment by which an updater can follow it."""

from __future__ import annotations

import re

import pytest
import yaml

from fleet.paths import REPOSITORY

DEFAULTS = sorted(REPOSITORY.glob("roles/*/defaults/main.yml"))
#: What a role pins bears one of these names.
PIN = re.compile(r"^(\w+_(?:version|image)): (\S+)$")
#: Where an updater looks: the kind of place, and what it is called there.
UPDATER = re.compile(
    r"# updater: (deb [\w.+-]+ (trixie|bookworm)|docker \S+( [\d.]+)?|github-releases \S+/\S+)"
)
#: A version that begins with numbers; `*` takes security updates of the same version.
VERSION = re.compile(r"(\S+:)?\d+\.\d+(\.\d+)*(-\d+)?(\.?\*)?")
PINS = [
    pytest.param(path.parts[-3], before, *found.groups(), id=found[1])
    for path in DEFAULTS
    for before, line in zip(
        ["", *path.read_text().splitlines()], path.read_text().splitlines(), strict=False
    )
    if (found := PIN.match(line))
]


@pytest.mark.parametrize(("role", "before", "name", "value"), PINS)
def test_an_updater_can_follow_each_pin(role, before, name, value):
    assert name.startswith(f"{role}_")
    assert VERSION.fullmatch(value), f"{name} is no version"
    assert UPDATER.fullmatch(before), f"nothing tells an updater where {name} comes from"
    # An image is followed by the very name that it is pulled by.
    if name.endswith("_image"):
        assert before.split()[3] == value.rpartition(":")[0]


def test_each_role_that_brings_software_pins_it():
    pinned = {param.values[0] for param in PINS}

    assert {"docker", "nvidia", "registry", "clearml_server"} <= pinned


def test_each_package_that_a_role_installs_is_a_pinned_one():
    """By Ansible's own modules; `held_packages` takes versions alone."""
    loose = []
    for path in REPOSITORY.glob("roles/*/tasks/*.yml"):
        for task in yaml.safe_load(path.read_text()) or []:
            wanted = task.get("ansible.builtin.apt") or task.get("ansible.builtin.pip")
            if (
                wanted
                and wanted.get("state") != "absent"
                and "_version }}" not in str(wanted["name"])
            ):
                loose.append(task["name"])
    assert loose == []


def test_the_bases_of_images_are_pinned_by_digest():
    bases = yaml.safe_load((REPOSITORY / "images" / "bases.yml").read_text())

    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", base["digest"]) for base in bases.values())


def test_the_checks_of_a_change_are_pinned_by_commit():
    for path in (REPOSITORY / ".github" / "workflows").glob("*.yml"):
        used = re.findall(r"uses: (.*)", path.read_text())
        assert used
        assert all(re.fullmatch(r"\S+@[0-9a-f]{40} # v[\d.]+", one) for one in used)
