"""Each role's argument specs, defaults, entry points, names and README agree with each other."""

from pathlib import Path

import pytest
import yaml

from fleet import role_docs
from fleet.paths import REPOSITORY

ROLES = sorted(path for path in (REPOSITORY / "roles").iterdir() if path.is_dir())
ENTRIES = [
    pytest.param(role, entry, id=f"{role.name}-{entry}")
    for role in ROLES
    for entry in role_docs.read_specs(role)
]
each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
each_entry = pytest.mark.parametrize(("role", "entry"), ENTRIES)


def read(path):
    return (yaml.safe_load(path.read_text()) if path.exists() else None) or {}


def options_of(role, entry="main"):
    return role_docs.read_specs(role)[entry].get("options", {})


def tasks_of(role):
    """The tasks of all files of a role, those in blocks too."""
    found = []

    def walk(tasks):
        for task in tasks or []:
            found.append(task)
            for key in ("block", "rescue", "always"):
                walk(task.get(key))

    for path in role.glob("*/*.yml"):
        if path.parent.name in ("tasks", "handlers"):
            walk(yaml.safe_load(path.read_text()))
    return found


@each_role
def test_defaults_equal_the_specs(role):
    in_specs = {
        name: option["default"] for name, option in options_of(role).items() if "default" in option
    }

    assert read(role / "defaults" / "main.yml") == in_specs


@each_entry
def test_every_entry_point_has_the_same_defaults_as_the_role(role, entry):
    defaults = read(role / "defaults" / "main.yml")
    for name, option in options_of(role, entry).items():
        assert ("default" in option) == (name in defaults), name
        assert option.get("default") == defaults.get(name), name


@each_entry
def test_each_option_is_described_and_either_required_or_has_a_default(role, entry):
    for name, option in options_of(role, entry).items():
        assert option["description"], name
        assert ("default" in option) != option.get("required", False), name


@each_role
def test_every_file_of_tasks_has_specs_unless_the_role_itself_includes_it(role):
    files = {path.stem for path in (role / "tasks").glob("*.yml")}
    included = {
        Path(str(value.get("file", "") if isinstance(value, dict) else value)).stem
        for task in tasks_of(role)
        for key, value in task.items()
        if key.removeprefix("ansible.builtin.") in ("import_tasks", "include_tasks")
    }

    # Settings can be looked at alone, too.
    assert role_docs.read_specs(role).keys() == (files - included) | {"validate"}


@each_role
def test_variables_bear_the_roles_name_and_private_ones_show_that_they_are(role):
    private = f"{role.name}__"
    public = [name for name in options_of(role) if not name.startswith(f"{role.name}_")]
    assert public == []
    assert [name for name in options_of(role) if name.startswith(private)] == []
    assert [name for name in read(role / "vars" / "main.yml") if not name.startswith(private)] == []


@each_role
def test_tasks_say_what_is_ensured(role):
    # Those that ensure nothing say what they do instead.
    verbs = ("Ensure ", "Ask ", "Leave ", "Note ", "Read ", "Reload ", "Restart ", "Tell ")
    names = [task.get("name", str(task)) for task in tasks_of(role)]

    assert [name for name in names if not name.startswith(verbs)] == []


@each_role
def test_the_readme_is_what_the_specs_say(role):
    text = (role / "README.md").read_text()
    assert text == role_docs.readme(role), "run `make generate`"
    assert text.count("| variable |") == 1, "a table by hand, which nobody keeps true"


@each_role
def test_nobody_but_the_role_docker_names_its_options_file(role):
    if role.name == "docker":
        return
    for path in [*role.glob("tasks/*"), *role.glob("templates/*"), *role.glob("library/*.py")]:
        assert "daemon.json" not in path.read_text(), path
