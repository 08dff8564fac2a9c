"""What an inventory says for the whole fleet: told with its reason where it cannot be known."""

from __future__ import annotations

import pytest

from fleet.errors import FleetError
from fleet.images import digests
from fleet.inventory import inspect_declared, read_declared, read_inventory
from tests.own_contract import SPEC, SPEC_FILE, SPEC_TEXT

HOSTS = """\
all:
  children:
    controllers: {hosts: {controller-1: }}
    cpu_nodes: {hosts: {cpu-1: }}
    gpu_nodes: {hosts: {gpu-1: {fleet_gpus: 1}}}
"""
VALUES = {
    "fleet_registry": "registry:5000",
    "fleet_digests_file": "/nothing/digests.yml",
    "fleet_queues_file": str(SPEC_FILE),
    "queues_config_file": "/clearml.conf",
}


@pytest.fixture
def inventory(write):
    def written(**values: str):
        lines = [f"{name}: {value}\n" for name, value in (VALUES | values).items()]
        return write({"hosts.yml": HOSTS, "group_vars/all.yml": "".join(lines)})

    return written


def _problems(path, spec_file=None):
    """Those that are not of images: what is built is not looked at here."""
    problems = inspect_declared(path, spec_file).inspection.problems
    return [problem for problem in problems if problem.rule != "image-without-digest"]


@pytest.mark.parametrize(
    "variable", ["fleet_registry", "fleet_digests_file", "queues_config_file", "fleet_queues_file"]
)
def test_a_misspelt_template_is_a_problem_with_its_place(inventory, variable):
    path = inventory(**{variable: '"{{ nowhere }}/x"'})
    (problem,) = _problems(path)
    assert problem.rule == "bad-template"
    assert f"{variable} cannot be worked out: 'nowhere' is undefined" in problem.what
    assert problem.place.file.endswith("group_vars/all.yml")
    assert problem.place.line == list(VALUES).index(variable) + 1
    with pytest.raises(FleetError, match="'nowhere' is undefined"):
        read_declared(path)


def test_an_attribute_that_is_not_there_is_no_reason_that_the_inventory_gives(inventory):
    path = inventory(own="{registry: a}", fleet_registry='"{{ own.registri }}"')
    (problem,) = _problems(path)
    assert (problem.rule, problem.place.line) == ("bad-template", 1)


def test_what_the_inventory_says_why_is_a_note_and_the_reason_is_kept(inventory):
    path = inventory(
        own="\"{{ undef(hint='the registry is being moved') }}\"",
        fleet_registry='"{{ own.registry }}"',
    )
    spec, found = read_declared(path)
    assert spec == SPEC
    assert found.registry is None
    assert found.why_not("fleet_registry") == "cannot be told yet: the registry is being moved"
    assert found.notes == ("fleet_registry cannot be told yet: the registry is being moved",)
    seen = inspect_declared(path).inspection
    assert not [problem for problem in seen.problems if problem.rule == "bad-template"]


def test_a_contract_that_cannot_be_known_is_no_error_where_another_is_given(inventory):
    path = inventory(fleet_queues_file='"{{ nowhere }}/queues.yml"')
    spec, _ = read_declared(path, SPEC_FILE)
    assert spec == SPEC
    assert _problems(path, SPEC_FILE) == []


def test_a_contract_that_is_not_there_is_a_problem_at_the_variable(inventory, tmp_path):
    declared = inspect_declared(inventory(fleet_queues_file=str(tmp_path / "none.yml")))
    (problem,) = declared.inspection.problems
    assert "no such file is there" in problem.what
    assert (problem.place.file.rpartition("/")[2], problem.place.line) == ("all.yml", 3)
    assert (declared.spec_file, declared.spec) == (None, None)


def test_the_inventory_is_looked_at_under_the_contract_that_it_names(inventory, tmp_path):
    own = tmp_path / "own.yml"
    own.write_text(SPEC_TEXT.replace("cpu_nodes", "workers"))
    declared = inspect_declared(inventory(fleet_queues_file=str(own)))
    assert declared.spec_file == own
    rules = {problem.rule for problem in declared.inspection.problems}
    assert {"unknown-group", "queue-without-node"} <= rules
    assert _problems(inventory(fleet_queues_file=str(own)), SPEC_FILE) == []


@pytest.mark.parametrize("name", ["fleet_digests_file", "fleet_queues_file", "queues_config_file"])
def test_a_folder_of_no_user_is_a_problem(inventory, name):
    (problem,) = _problems(inventory(**{name: "~nobody-of-this-name/x.yml"}))
    assert problem.rule == "bad-value"
    assert "this machine knows no such user" in problem.what
    assert problem.place.line == list(VALUES).index(name) + 1


def _folder(path):
    path.mkdir()


def _bytes(path):
    path.write_bytes(b"\xff\xfe\xfa")


def _below_a_file(path):
    path.parent.joinpath("file").touch()
    return path.parent / "file" / "digests.yml"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_folder, "Is a directory"),
        (_bytes, "not UTF-8"),
        (_below_a_file, "Not a directory"),
    ],
)
def test_digests_that_cannot_be_read_are_a_problem(inventory, tmp_path, make, words):
    file = make(tmp_path / "digests.yml") or tmp_path / "digests.yml"
    with pytest.raises(FleetError, match=words):
        digests.read(file)
    problems = inspect_declared(inventory(fleet_digests_file=str(file))).inspection.problems
    assert [problem.rule for problem in problems] == ["digests-unreadable"], problems
    assert words in problems[0].what


def test_a_number_as_the_name_of_a_variable_is_let_be(write):
    path = write({"hosts.yml": "gpu_nodes: {hosts: {a: {1: 2, fleet_gpus: 1}}}\n"})
    (node,) = read_inventory(path, SPEC.node_groups).nodes
    assert node.gpus == 1
