"""`status.yml`, run for real against this machine as a node; it changes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.paths import REPOSITORY
from fleet.spec import load

_WISH = {"reason": "a new disk", "by": "ann", "since": "2026-11-23T19:00:00Z"}


@pytest.fixture
def status(tmp_path):
    """What it tells of a node whose folders are the test's."""
    digests = tmp_path / "digests.yml"
    images = {
        name: {"repository": image.repository, "digest": f"sha256:{'a' * 64}", "inputs": "b" * 64}
        for name, image in load().images.items()
    }
    digests.write_text(json.dumps({"images": images}))
    variables = {
        "ansible_connection": "local",
        "ansible_become": False,
        "ansible_python_interpreter": sys.executable,
        "fleet_queues_file": str(REPOSITORY / "queues.yml"),
        "fleet_registry": "registry:5000",
        "fleet_digests_file": str(digests),
        "queues_config_file": str(tmp_path / "no-server.conf"),
        # This machine's own agents, if it has any, are none of the test's.
        "clearml_agent_project": "fleet-unit-test",
        "clearml_agent_config_directory": str(tmp_path / "etc"),
    }
    hosts = {"cpu_nodes": {"hosts": {"cpu-1": {}}}}
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"vars": variables, "children": hosts}}))
    program = Path(sys.executable).parent / "ansible-playbook"

    def run() -> str:
        done = subprocess.run(
            [program, "-i", inventory, "status.yml"],
            cwd=REPOSITORY / "ansible",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "changed=0" in done.stdout
        return " ".join(done.stdout.split())

    return run


def test_who_drained_a_node_is_told_though_no_agent_of_it_runs(status, tmp_path):
    said = status()
    assert "cpu-1:0" in said
    assert "drained" not in said

    wishes = tmp_path / "etc" / "wishes"
    wishes.mkdir(parents=True)
    (wishes / "drained").write_text(json.dumps(_WISH))
    assert "drained by ann since 2026-11-23T19:00:00Z: a new disk" in status()
