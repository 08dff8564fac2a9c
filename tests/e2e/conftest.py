"""A local fleet of the tests' own, beside any that the user has, removed at the end."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from fleet.paths import REPOSITORY, local_fleet_dir
from tests.e2e.asker import Asker

#: Each checkout's own, so that what another one has up or has left is not met.
NAME = os.environ.get("FLEET_E2E_NAME", "e2e-" + hashlib.sha256(bytes(REPOSITORY)).hexdigest()[:6])
# For who works on single tests.
_KEEPS = "FLEET_E2E_KEEP" in os.environ
_UP_SECONDS = 25 * 60
# It takes the fleet down that all the others share.
_LAST = "test_down_leaves_nothing_behind"


@dataclass(frozen=True)
class LocalFleet:
    """The fleet, by the commands that a user types."""

    name: str = NAME

    def cli(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run `fleet …` to its end, whatever its exit code."""
        return self._run([str(REPOSITORY / ".venv/bin/fleet"), *arguments], REPOSITORY, timeout)

    def result(self, *arguments: str, timeout: float = 300):
        """The JSON that `fleet … --json` prints; the command must succeed."""
        done = self.cli(*arguments, "--json", timeout=timeout)
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads(done.stdout)

    def api(self, endpoint: str, **body: object) -> dict:
        """What the fleet's server answers."""
        return self.asker.ask(endpoint, body)

    @cached_property
    def asker(self) -> Asker:
        """Asks the fleet's server."""
        return Asker(self._environment)

    def start_server(self) -> None:
        """Start the server again, as `fleet local up` does, and nothing else."""
        script = (
            "from fleet.local import hostserver, network; from fleet.local.layout import Layout; "
            f"ours = Layout({self.name!r}); subnet, _ = network.ensure(ours); "
            "network.reach_directly(subnet); hostserver.ensure(ours, network.gateway_of(subnet))"
        )
        command = [str(REPOSITORY / ".venv/bin/python"), "-c", script]
        done = self._run(command, REPOSITORY, 120)
        assert done.returncode == 0, done.stderr

    def playbook(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `ansible-playbook …` as the README says."""
        command = [str(REPOSITORY / ".venv/bin/ansible-playbook"), *arguments]
        return self._run(command, REPOSITORY / "ansible", 600)

    def begin_playbook(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Begin with `ansible-playbook …`; nothing of what it says is kept."""
        return subprocess.Popen(
            [str(REPOSITORY / ".venv/bin/ansible-playbook"), *arguments],
            cwd=REPOSITORY / "ansible",
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def on_node(self, node: str, *command: str) -> str:
        """What a command on a node prints; over SSH, as an operator would."""
        config = local_fleet_dir(self.name) / "ssh_config"
        done = self._run(["ssh", "-F", str(config), node, *command], REPOSITORY, 120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def agent(self, slot: str) -> str:
        """The container of a slot's newest agent, stopped or not."""
        listing = ("docker", "ps", "--all", "--filter", f"label=fleet.slot={slot}")
        node = slot.rpartition("-")[0]
        return self.on_node(node, *listing, "--format", "'{{.Names}}'").split()[0]

    @property
    def leftovers(self) -> dict[str, list[str]]:
        """What bears the fleet's label in Docker, and processes of its state directory."""
        label = f"label=fleet.local={self.name}"
        found = {}
        for what, listing in {
            "containers": ["docker", "ps", "-aq", "--filter", label],
            "networks": ["docker", "network", "ls", "-q", "--filter", label],
            "volumes": ["docker", "volume", "ls", "-q", "--filter", label],
            "processes": ["pgrep", "-f", str(local_fleet_dir(self.name))],
        }.items():
            found[what] = self._run(listing, REPOSITORY, 60).stdout.split()
        return {what: ids for what, ids in found.items() if ids}

    @property
    def _environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("CLEARML_")}
        return kept | {"FLEET_LOCAL_NAME": self.name, "ANSIBLE_NOCOLOR": "1"}

    def _run(
        self, command: list[str], cwd: Path, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=cwd,
            timeout=timeout,
            capture_output=True,
            text=True,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            check=False,
        )


@pytest.fixture(scope="session")
def fleet() -> Iterator[LocalFleet]:
    """The fleet, up and without a run; taken down at the end, the images kept."""
    local = LocalFleet()
    try:
        up = local.cli("local", "up", "--no-run", timeout=_UP_SECONDS)
        assert up.returncode == 0, f"{up.stdout[-4000:]}\n{up.stderr[-4000:]}"
        yield local
        local.asker.end()
    finally:
        down = None if _KEEPS else local.cli("local", "down", "--keep-images", timeout=300)
    assert down is None or down.returncode == 0, f"{down.stdout[-4000:]}\n{down.stderr[-4000:]}"


#: What takes so long that only `make test-nodes` runs it.
_LONG = (
    "test_faults.py",
    "test_verbs.py",
    "test_reproducible_images.py",
    "test_upgrade.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is here, and leave it the time it needs: the first test brings the fleet up."""
    items.sort(key=lambda item: item.name == _LAST)
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if item.path.name in _LONG:
                item.add_marker(pytest.mark.long)
            item.add_marker(pytest.mark.timeout(_UP_SECONDS + 300))
