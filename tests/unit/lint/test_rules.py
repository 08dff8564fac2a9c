"""The repository's own rules find what they are for, and nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fleet.paths import REPOSITORY

RULES = REPOSITORY / "ansible" / "lint"
LINT = Path(sys.executable).with_name("ansible-lint")

BAD = {
    "roles/demo/tasks/loop.yml": "fleet-loop",
    "roles/demo/tasks/owner.yml": "fleet-owner",
    "roles/demo/tasks/daemon.yml": "fleet-daemon-json",
    "roles/demo/tasks/toolkit.yml": "fleet-daemon-json",
    "roles/demo/tasks/private.yml": "fleet-private",
    "roles/demo/tasks/fact.yml": "fleet-private",
    "roles/demo/tasks/ignored.yml": "fleet-ignored",
    "roles/demo/tasks/setup.yml": "fleet-facts",
    "roles/demo/tasks/others.yml": "fleet-other-hosts",
    "roles/demo/tasks/groups.yml": "fleet-other-hosts",
    "plays/gathers.yml": "fleet-facts",
}
COPY = {"content": "x", "dest": "/etc/x", "owner": "root", "group": "root", "mode": "0644"}
RUN = {"ansible.builtin.command": {"argv": ["true"]}, "changed_when": False}
CONTENTS = {
    "roles/demo/tasks/loop.yml": [{**RUN, "loop": [1, 2]}],
    "roles/demo/tasks/owner.yml": [
        {"ansible.builtin.copy": {key: COPY[key] for key in COPY if key != "group"}}
    ],
    "roles/demo/tasks/daemon.yml": [
        {"ansible.builtin.copy": {**COPY, "dest": "/etc/docker/daemon.json"}}
    ],
    "roles/demo/tasks/toolkit.yml": [
        {
            "ansible.builtin.command": {"cmd": "nvidia-ctk runtime configure --runtime=docker"},
            "changed_when": False,
        }
    ],
    "roles/demo/tasks/private.yml": [{**RUN, "register": "demo_public"}],
    "roles/demo/tasks/fact.yml": [{"ansible.builtin.set_fact": {"demo_public": 1}}],
    "roles/demo/tasks/ignored.yml": [{**RUN, "ignore_errors": "{{ ansible_check_mode }}"}],
    "roles/demo/tasks/setup.yml": [{"ansible.builtin.setup": {"gather_subset": "min"}}],
    "roles/demo/tasks/others.yml": [
        {"ansible.builtin.debug": {"msg": "{{ hostvars['db-1'].address }}"}}
    ],
    "roles/demo/tasks/groups.yml": [{"ansible.builtin.debug": {"msg": "{{ groups['nodes'][0] }}"}}],
    "plays/gathers.yml": [{"hosts": "all", "tasks": [RUN]}],
    # What is right.
    "roles/demo/tasks/main.yml": [
        {**RUN, "register": "demo__private"},
        {"ansible.builtin.copy": COPY},
        {"ansible.builtin.file": {"path": "/etc/x", "state": "absent"}},
        {"ansible.builtin.set_fact": {"demo__private": "{{ hostvars[inventory_hostname].x }}"}},
        {"ansible.builtin.assert": {"that": "item"}, "loop": [True, True]},
        {**RUN, "loop": [1, 2], "delegate_to": "localhost"},
        {
            "ansible.builtin.debug": {
                "msg": "{{ ansible_play_hosts | map('extract', hostvars) | list }}"
            }
        },
    ],
    "roles/docker/tasks/main.yml": [
        {"ansible.builtin.copy": {**COPY, "dest": "/etc/docker/daemon.json"}}
    ],
    "shared/tasks/ask.yml": [{**RUN, "register": "ask_answer"}],
    "plays/site.yml": [{"hosts": "all", "gather_facts": False, "tasks": [RUN]}],
}


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, set[str]]:
    """The findings of our rules, by file; one run of ansible-lint."""
    # A checkout may lie in a folder of this name, too.
    project = tmp_path_factory.mktemp("project") / "roles" / "checkout"
    for name, tasks in CONTENTS.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        named = [{"name": f"Ensure {path.stem} is so", **task} for task in tasks]
        path.write_text(yaml.safe_dump(named, sort_keys=False))
    shutil.copytree(RULES, project / "ansible" / "lint")
    shutil.copy(REPOSITORY / ".ansible-lint", project)
    done = subprocess.run(
        [LINT, "--offline", "--format=json", "roles", "plays", "shared"],
        cwd=project,
        env={**os.environ, "PATH": f"{LINT.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found: dict[str, set[str]] = {name: set() for name in CONTENTS}
    for match in json.loads(done.stdout):
        if match["check_name"].startswith("fleet-"):
            found[match["location"]["path"]].add(match["check_name"])
    return found


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_found(found, name):
    assert found[name] == {BAD[name]}


@pytest.mark.parametrize("name", sorted(CONTENTS.keys() - BAD.keys()))
def test_what_is_right_is_left_alone(found, name):
    assert found[name] == set()


def test_every_rule_is_switched_on_and_none_is_skipped():
    settings = yaml.safe_load((REPOSITORY / ".ansible-lint").read_text())
    ours = {
        line.split('"')[1]
        for path in RULES.glob("*.py")
        for line in path.read_text().splitlines()
        if line.startswith("    id = ")
    }

    assert ours == {name for name in settings["enable_list"] if name.startswith("fleet-")}
    assert ours == set(BAD.values())
    assert settings["profile"] == "production"
    assert not {"skip_list", "warn_list"} & settings.keys()
    assert not (REPOSITORY / ".ansible-lint-ignore").exists()


#: How a line is kept from a linter's eyes.
SKIPS = re.compile(r"#\s*noqa|skip_ansible_lint|yamllint disable|hadolint ignore=(?!DL3009$)")


def test_no_line_is_kept_from_the_linters():
    """But one, whose reason is beside it: lists of packages stay on a node, as on a machine."""
    files = [
        path
        for folder in ("ansible", "roles", "inventories", "molecule", "images")
        for path in (REPOSITORY / folder).rglob("*")
        if path.suffix in (".yml", ".yaml", ".j2") or path.name == "Dockerfile"
    ]
    assert len(files) > 100
    kept = [path for path in files for line in path.read_text().splitlines() if SKIPS.search(line)]
    assert kept == []
    # No package of Debian has a version of its own here, and the file says why.
    settings = yaml.safe_load((REPOSITORY / ".hadolint.yaml").read_text())
    assert (settings["failure-threshold"], settings["ignored"]) == ("style", ["DL3008"])


def test_make_test_lints_all_there_is():
    """A dry run of make: what it would do before the tests."""
    done = subprocess.run(
        ["make", "--dry-run", "test"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    said = " ".join(done.stdout.replace("\\\n", " ").split())
    for command in (
        "ruff check .",
        "ruff format --check .",
        "yamllint --strict .",
        "ansible-lint --offline -q ansible/*.yml ansible/*/*.yml roles inventories molecule",
        "hadolint images/*/Dockerfile",
    ):
        assert command in said
    assert said.index("hadolint") < said.index("pytest")
