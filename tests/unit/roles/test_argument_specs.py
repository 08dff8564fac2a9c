"""Each role's argument specs and its defaults say the same."""

from pathlib import Path

import pytest
import yaml

ROLES = sorted(path for path in (Path(__file__).parents[3] / "roles").iterdir() if path.is_dir())


def read(path):
    return yaml.safe_load(path.read_text()) if path.exists() else {}


def options_of(role):
    return read(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_defaults_equal_the_specs(role):
    in_specs = {
        name: option["default"] for name, option in options_of(role).items() if "default" in option
    }

    assert read(role / "defaults" / "main.yml") == in_specs


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_each_option_is_described_and_either_required_or_has_a_default(role):
    for name, option in options_of(role).items():
        assert option["description"], name
        assert ("default" in option) != option.get("required", False), name


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_variables_bear_the_roles_name(role):
    names = [*options_of(role), *read(role / "vars" / "main.yml")]

    assert [name for name in names if not name.startswith(f"{role.name}_")] == []


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_the_readme_names_each_option(role):
    readme = (role / "README.md").read_text()

    assert [name for name in options_of(role) if f"`{name}`" not in readme] == []
