"""`images.yml` has the command build, test and push for the fleet of the inventory."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml

VENV = Path(sys.executable).parents[1]
#: Stands for `fleet`: it notes what it is asked, and says what a build says.
STUB = """\
#!/bin/sh
printf '%s\\n' "$@" > {asked}
echo 'image cpu: pushed to registry.example.com in 1 s, sha256:aa…'
exit {status}
"""


@pytest.fixture
def images(run_playbook, tmp_path):
    """Run images.yml with a stub beside its Python; exit status, what it said, what was asked."""
    programs, asked = tmp_path / "venv" / "bin", tmp_path / "asked"
    programs.mkdir(parents=True)
    (tmp_path / "venv" / "lib").symlink_to(VENV / "lib")
    (tmp_path / "venv" / "pyvenv.cfg").write_text((VENV / "pyvenv.cfg").read_text())
    (programs / "python").symlink_to(Path(sys.executable).resolve())
    variables = {"fleet_registry": "registry.example.com", "fleet_digests_file": "/own/digests.yml"}
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"a": {}, "b": {}}, "vars": variables}}))

    def run(*options: str, status: int = 0) -> tuple[int, str, list[str]]:
        (programs / "fleet").write_text(STUB.format(asked=asked, status=status))
        (programs / "fleet").chmod(0o755)
        program = (programs / "python", VENV / "bin" / "ansible-playbook")
        done, said = run_playbook("-i", inventory, *options, "images.yml", program=program)
        words = asked.read_text().splitlines() if asked.exists() else []
        return done, said, words

    return run


def test_all_images_go_to_the_fleets_registry_and_its_file_of_digests(images):
    status, said, asked = images()

    assert status == 0, said
    assert asked[:2] == ["images", "build"]
    assert {"--push=registry.example.com", "--digests=/own/digests.yml"} <= set(asked)
    assert "--no-test" not in asked
    assert "pushed to registry.example.com" in said


def test_some_go_to_a_registry_by_another_name(images):
    variables = {"images_names": ["agent"], "images_push_to": "127.0.0.1:5000"}
    _, _, asked = images("-e", json.dumps(variables))

    assert asked[-1] == "agent"
    assert "--push=127.0.0.1:5000" in asked


def test_a_dry_run_builds_nothing(images):
    status, said, asked = images("--check")

    assert status == 0, said
    assert asked == []


def test_images_that_do_not_pass_fail_the_play(images):
    assert images(status=1)[0] == 2
