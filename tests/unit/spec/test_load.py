from __future__ import annotations

import re
from pathlib import Path

import pytest

from fleet.errors import FleetError
from fleet.spec import SPEC_FILE, load
from ml.catalog import PHASES

SHIPPED = SPEC_FILE.read_text()


def _line_of(text: str, needle: str) -> int:
    return text[: text.index(needle)].count("\n") + 1


def _refused(tmp_path: Path, text: str) -> str:
    file = tmp_path / "queues.yml"
    file.write_text(text)
    with pytest.raises(FleetError) as caught:
        load(file)
    return str(caught.value)


def test_the_shipped_file_maps_six_queues_and_every_phase():
    spec = load()
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


# What is replaced in the shipped file, by what, the text whose line must be named, and a word
# that the message must hold.
BROKEN = {
    "unknown key": ("    slots: 2\n", "    slotz: 2\n", "slotz: 2", "did you mean 'slots'"),
    "unknown top key": ("policy:\n", "polices:\n", "polices:", "did you mean 'policy'"),
    "wrong type": ("slots: 2\n", "slots: two\n", "slots: two", "per_gpu"),
    "negative": ("slots: 2\n", "slots: -1\n", "slots: -1", "from 0 to 512"),
    "quoted number": ("slots: 2\n", 'slots: "2"\n', 'slots: "2"', "slots"),
    "boolean": ("slots: 2\n", "slots: true\n", "slots: true", "slots"),
    "unknown group": (
        "node_group: controllers",
        "node_group: controlers",
        "node_group: controlers",
        "did you mean 'controllers'",
    ),
    "unknown image": ("image: cuda", "image: cuder", "image: cuder", "did you mean 'cuda'"),
    "unknown phase": ("phases: [pipeline]", "phases: [pipelin]", "[pipelin]", "'pipeline'"),
    "phase without queue": (
        "phases: [data-registration, preprocessing]",
        "phases: [preprocessing]",
        "queues:\n",
        "no queue takes the phase 'data-registration'",
    ),
    "phase twice": (
        "phases: [pipeline]",
        "phases: [pipeline, pipeline]",
        "phases: [pipeline, pipeline]",
        "listed twice",
    ),
    "duplicate queue": ("  cpu-train:\n", "  services:\n", None, "a second time"),
    "tie": ("priority: 3", "priority: 2", "priority: 2\n    phases: [training, ", "same priority"),
    "short name": ("  cpu-infer:\n", "  ci:\n", "  ci:\n", "'ci' is not allowed"),
    "bad name": ("  cpu-infer:\n", "  CPU infer:\n", "  CPU infer:\n", "not allowed"),
    "digest": (
        "repository: fleet/cpu\n",
        "repository: fleet/cpu\n    digest: latest\n",
        "digest: latest",
        "digest",
    ),
    "tag": ("repository: fleet/cpu\n", "repository: fleet/cpu:1\n", "fleet/cpu:1", "repository"),
    "services with two slots": (
        "slots: 1\n    services",
        "slots: 2\n    services",
        "slots: 2",
        "many tasks at a time",
    ),
    "per_gpu without gpu": (
        "    accelerator: gpu\n",
        "",
        "slots: per_gpu",
        "offers no GPU",
    ),
    "unknown policy": ("queue_choice: phase", "queue_choice: any", "queue_choice: any", "or free"),
    "no version": ("version: 1\n", "", None, "'version' is missing"),
    "newer version": ("version: 1\n", "version: 2\n", "version: 2", "newer"),
    "missing field": ("    image: cuda\n", "", "  gpu_nodes:", "'node_groups.gpu_nodes.image'"),
    "bad yaml": ("queues:\n", "queues: [\n", None, "not valid YAML"),
    "tab": ("    slots: 2\n", "\tslots: 2\n", "\tslots: 2", "not valid YAML"),
    "scalar for mapping": ("policy:\n", "policy: 3\nx:\n", "policy: 3", "policy"),
    "impossible date": ("slots: 2\n", "slots: 2024-13-45\n", "slots: 2024", "put it in quotes"),
    "not the number it says": ("slots: 2\n", "slots: !!int abc\n", "slots: !!int", "in quotes"),
    "unknown tag": ("slots: 2\n", "slots: !x 2\n", "slots: !x", "means nothing"),
    "key that is no text": ("policy:\n", "3: x\npolicy:\n", "3: x", "not text"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_refused_with_line_and_mend(tmp_path, case):
    old, new, place, word = BROKEN[case]
    assert old in SHIPPED
    text = SHIPPED.replace(old, new, 1)
    message = _refused(tmp_path, text)
    assert word in message
    assert "fix: " in message
    if place is not None:
        assert f"queues.yml:{_line_of(text, place)}" in re.sub(
            r"\S*/queues", "queues", message
        ) or (f"queues.yml:{_line_of(text, place) + place.count(chr(10), 0, -1)}" in message)


def test_all_problems_are_told_at_once(tmp_path):
    text = SHIPPED.replace("image: cuda", "image: cuder", 1).replace("[pipeline]", "[pipelin]", 1)
    message = _refused(tmp_path, text)
    assert "cuder" in message
    assert "pipelin" in message


def test_an_alias_to_itself_is_refused(tmp_path):
    assert "alias" in _refused(tmp_path, "version: 1\nqueues: &q\n  abc: *q\n")


def test_entries_nested_without_end_are_refused(tmp_path):
    assert "nested" in _refused(tmp_path, "version: " + "[" * 5000 + "]" * 5000)


def test_missing_and_unreadable_files_are_named(tmp_path):
    with pytest.raises(FleetError, match="cannot be read"):
        load(tmp_path / "absent.yml")
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FleetError, match="not UTF-8"):
        load(tmp_path / "binary.yml")
    assert "is empty" in _refused(tmp_path, "")


def _mutations(text: str):
    """Every line of the file deleted, doubled, or with its value retyped."""
    lines = text.splitlines(keepends=True)
    for index, line in enumerate(lines):
        if not line.strip() or line.strip().startswith("#"):
            continue
        yield "".join(lines[:index] + lines[index + 1 :])
        yield "".join(lines[: index + 1] + lines[index:])
        for value in ("null", "[1, 2]", "{a: 1}", "3.5", "'x'"):
            head, colon, _ = line.partition(":")
            yield "".join([*lines[:index], f"{head}{colon} {value}\n", *lines[index + 1 :]])


def test_no_mutation_of_the_shipped_file_gives_a_traceback(tmp_path):
    file = tmp_path / "queues.yml"
    told = []
    for text in _mutations(SHIPPED):
        file.write_text(text)
        try:
            load(file)
        except FleetError as error:
            told.append(str(error))
    assert len(told) > 200
    assert all("queues.yml" in message for message in told)
