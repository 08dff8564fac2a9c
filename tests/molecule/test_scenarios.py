"""Every role's scenario: on Debian 12 and 13, both nodes made once for all of them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.paths import REPOSITORY

pytestmark = [pytest.mark.molecule, pytest.mark.timeout(900)]

MOLECULE = Path(sys.executable).with_name("molecule")
#: First the scenario that wants bare nodes: the others find Docker there.
FIRST = "docker"
SCENARIOS = sorted(
    (path.parent.name for path in (REPOSITORY / "molecule").glob("*/molecule.yml")),
    key=lambda name: (name != FIRST, name),
)
SCENARIOS.remove("default")
#: Roles that leave nothing behind, and so have nothing to uninstall.
PUT_NOTHING_THERE = ("preflight", "smoke")
#: Each checkout's own, and not that of the nodes a developer works with.
NAME = "molecule-" + hashlib.sha256(bytes(REPOSITORY)).hexdigest()[:6]
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{MOLECULE.parent}{os.pathsep}{os.environ['PATH']}",
    "FLEET_MOLECULE_NAME": os.environ.get("FLEET_MOLECULE_NAME", NAME),
    "MOLECULE_COMMAND_BORDERS": "false",
    "NO_COLOR": "1",
}


def molecule(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run molecule in the root of the checkout."""
    return subprocess.run(
        [MOLECULE, *arguments],
        cwd=REPOSITORY,
        env={**ENVIRONMENT, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=880,
        check=False,
    )


@pytest.fixture(scope="module", autouse=True)
def nodes() -> Iterator[None]:
    """The nodes are removed after the last scenario; the first one makes them."""
    yield
    done = molecule("destroy", "--scenario-name=default")
    assert done.returncode == 0, done.stdout[-4000:]


def test_each_role_has_a_scenario_that_asserts_and_can_be_validated_and_uninstalled():
    roles = {path.parent.name for path in (REPOSITORY / "roles").glob("*/tasks")}
    assert set(SCENARIOS) == roles
    for role in roles:
        verify = (REPOSITORY / "molecule" / role / "tasks" / "verify.yml").read_text()
        assert "ansible.builtin.assert:" in verify, role
        entries = {path.stem for path in (REPOSITORY / "roles" / role / "tasks").glob("*.yml")}
        assert "validate" in entries, role
        assert "uninstall" in entries or role in PUT_NOTHING_THERE, role


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_role_does_what_its_scenario_asks(scenario):
    done = molecule("test", f"--scenario-name={scenario}", FLEET_MOLECULE_KEEP="true")

    assert done.returncode == 0, done.stdout[-8000:]
    # Molecule passes over a step whose playbook it does not find.
    assert "Missing playbook" not in done.stdout
