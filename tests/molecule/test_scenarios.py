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
def nodes(tmp_path_factory) -> Iterator[None]:
    """The first scenario makes the nodes; those of a run that was killed go before, these after."""
    notes = str(tmp_path_factory.mktemp("molecule"))

    def destroy() -> None:
        done = molecule("destroy", "--scenario-name=default", MOLECULE_EPHEMERAL_DIRECTORY=notes)
        assert done.returncode == 0, done.stdout[-4000:]

    destroy()
    yield
    destroy()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_role_does_what_its_scenario_asks(scenario, tmp_path):
    done = molecule(
        "test",
        f"--scenario-name={scenario}",
        # The next one works on the same nodes.
        "--destroy=never",
        # Molecule's own notes of what is prepared: by default those of any checkout whose folder
        # bears the same name.
        MOLECULE_EPHEMERAL_DIRECTORY=str(tmp_path),
    )

    assert done.returncode == 0, done.stdout[-8000:]
    # Molecule passes over a step whose playbook it does not find.
    assert "Missing playbook" not in done.stdout
