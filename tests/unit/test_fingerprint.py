import json

import pytest
import yaml

from fleet import fingerprint
from fleet.fingerprint import role_fingerprints


@pytest.fixture
def roles(tmp_path):
    """A folder with one role, and hashes of it; files are read anew each time."""

    def hashes(**variables):
        for known in (fingerprint._options, fingerprint._code):
            known.cache_clear()
        return role_fingerprints(["docker", "absent"], variables.get, folder=tmp_path)

    role = tmp_path / "docker"
    (role / "meta").mkdir(parents=True)
    (role / "tasks").mkdir()
    (role / "tasks" / "main.yml").write_text("[]")
    (role / "README.md").write_text("docker")
    specs = {"argument_specs": {"main": {"options": {"docker_options": {}, "docker_secret": {}}}}}
    (role / "meta" / "argument_specs.yml").write_text(yaml.safe_dump(specs))
    return hashes


def test_the_same_role_with_the_same_variables_has_the_same_hash(roles):
    assert roles(docker_options={"a": 1, "b": 2}) == roles(docker_options={"b": 2, "a": 1})


def test_a_role_that_is_not_there_has_none(roles):
    assert list(roles()) == ["docker"]


def test_each_variable_that_the_role_reads_counts_and_no_other(roles):
    known = roles(docker_options={"a": 1})

    assert roles(docker_options={"a": 2}) != known
    assert roles(docker_options={"a": 1}, docker_secret="x") != known
    assert roles(docker_options={"a": 1}, other="x") == known


def test_the_roles_code_counts_and_its_readme_does_not(roles, tmp_path):
    known = roles()
    (tmp_path / "docker" / "README.md").write_text("other")
    assert roles() == known
    (tmp_path / "docker" / "tasks" / "main.yml").write_text("[{}]")
    assert roles() != known


def test_no_secret_can_be_read_in_a_hash(roles):
    assert "hunter2" not in json.dumps(roles(docker_secret="hunter2"))


def test_the_modules_of_several_roles_decide_too():
    names = {folder.name for folder in fingerprint._SHARED}

    assert names == {"modules", "module_utils"}
