from __future__ import annotations

from pathlib import Path

import pytest

from fleet.errors import FleetError, FleetErrors
from fleet.spec import Problem, examine, load
from ml.catalog import PHASES
from tests.own_contract import SPEC_FILE, SPEC_TEXT


def _written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "queues.yml"
    file.write_text(text)
    return file


def _rules(file: Path) -> list[str]:
    return [problem.rule for problem in examine(file)[1]]


def test_a_right_file_maps_its_queues_and_every_phase():
    spec = load(SPEC_FILE)
    assert list(spec.queues) == [
        "services",
        "cpu-infer",
        "cpu-preprocess",
        "cpu-train",
        "gpu-infer",
        "gpu-train",
    ]
    assert all(spec.queues_of_phase(phase) for phase in PHASES)
    assert spec.queues_of_group("cpu_nodes") == ["cpu-infer", "cpu-preprocess", "cpu-train"]


def test_one_problem_is_raised_as_itself(tmp_path):
    file = _written(tmp_path, SPEC_TEXT.replace("image: cuda", "image: cuder"))
    with pytest.raises(Problem) as caught:
        load(file)
    assert str(caught.value) == (
        "image 'cuder' does not exist\n"
        f"   at: {file}:32:5\n"
        "  fix: did you mean 'cuda'? there are: agent, cpu, cuda"
    )


def test_problems_of_yaml_of_the_schema_and_of_the_rules_are_told_at_once(tmp_path):
    text = SPEC_TEXT.replace("    slots: 2\n", "    slotz: 2\n    image: cpu\n", 1)
    text = text.replace("image: cuda", "image: cuder", 1).replace("[pipeline]", "[pipelin]", 1)
    text = text.replace("priority: 3", "priority: 2", 1).replace("entry: both", "entry: all", 1)
    file = _written(tmp_path, text)
    spec, problems = examine(file)
    assert spec is None
    assert [(problem.place.line, problem.rule) for problem in problems] == [
        (29, "unknown-key"),
        (30, "duplicate-key"),
        (33, "unknown-image"),
        (43, "unknown-phase"),
        (57, "priority-tie"),
        (76, "bad-value"),
    ]
    with pytest.raises(FleetErrors) as caught:
        load(file)
    for problem in problems:
        assert str(problem) in str(caught.value)


def test_one_mistake_makes_no_further_problems(tmp_path):
    """What a value that cannot be read was meant to say is not told to be missing."""
    for old, new, rule in (
        ("    accelerator: gpu\n", "    accelerator: GPU\n", "bad-value"),
        ("phases: [training]", "phases: training", "bad-value"),
        ("phases: [training, training-summary]", "phase: [training, training-summary]", None),
        ("  gpu-train:\n", "  gpu-infer:\n", "duplicate-key"),
        ("node_group: controllers", "node_group: 7", "bad-value"),
        ("  gpu_nodes:\n", "  gpu-nodes:\n", "bad-name"),
        ("    slots: per_gpu\n", "    slots: [per_gpu]\n", "bad-value"),
        ("images:\n", "images: []\nimags:\n", None),
    ):
        told = _rules(_written(tmp_path, SPEC_TEXT.replace(old, new, 1)))
        assert told == [rule] or (rule is None and set(told) <= {"unknown-key", "bad-value"}), new


def test_a_contract_that_can_be_worked_with_comes_with_its_problems(tmp_path):
    spec, problems = examine(_written(tmp_path, SPEC_TEXT.replace("priority: 3", "priority: 2")))
    assert spec is not None
    assert [problem.rule for problem in problems] == ["priority-tie"]
    with pytest.raises(FleetError):
        load(tmp_path / "queues.yml")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "empty-file"),
        ("# nothing\n", "not-a-mapping"),
        ("- a\n", "not-a-mapping"),
        ("version: " + "[" * 100_000, "nested-too-deeply"),
        ("version: 1\nqueues: &q\n  abc: *q\n", "alias-cycle"),
    ],
)
def test_files_without_a_contract_are_told_by_their_rule(tmp_path, text, rule):
    assert rule in _rules(_written(tmp_path, text))


def test_aliases_that_stand_for_millions_of_entries_are_refused(tmp_path):
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    for before, name in zip("abcdefg", "bcdefgh", strict=True):
        lines.append(f"{name}: &{name} [{', '.join(9 * ['*' + before])}]")
    assert _rules(_written(tmp_path, "\n".join(lines))) == ["too-many-entries"]


def test_missing_and_binary_files_are_named(tmp_path):
    assert _rules(tmp_path / "absent.yml") == ["unreadable-file"]
    file = tmp_path / "binary.yml"
    file.write_bytes(b"version: 1\nname: \xc3\xa9\xff\n")
    (problem,) = examine(file)[1]
    assert "not UTF-8" in problem.what
    assert (problem.place.line, problem.place.column) == (2, 8)


def test_a_newer_file_is_told_by_its_version_alone(tmp_path):
    text = SPEC_TEXT.replace("version: 1", "version: 7").replace("    slots: 2", "    replicas: 2")
    assert _rules(_written(tmp_path, text)) == ["newer-version"]


def test_a_secret_in_the_place_of_its_variable_is_not_shown(tmp_path):
    data = "    data: {object_stores: [{url: s3://team-data, credentials: AKIA/hidden}]}\n"
    text = SPEC_TEXT.replace("    slots: 2\n", f"    slots: 2\n{data}")
    (problem,) = examine(_written(tmp_path, text))[1]
    assert problem.rule == "bad-value"
    assert "credentials" in problem.what
    assert "hidden" not in str(problem)


@pytest.mark.parametrize("value", ["-1", "true", "2.5", "513"])
def test_a_number_out_of_place_is_not_taken_for_text(tmp_path, value):
    text = SPEC_TEXT.replace("    slots: 2\n", f"    slots: {value}\n")
    (problem,) = examine(_written(tmp_path, text))[1]
    assert "quotes" not in problem.mend
