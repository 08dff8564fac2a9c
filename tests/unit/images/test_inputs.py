from pathlib import Path

import pytest

from fleet.images.catalog import ImageSpec
from fleet.images.inputs import context_files, hash_inputs

SPEC = ImageSpec(parent="common", lock={"cpu": "cuda/cpu.lock", "cuda": "cuda/cuda.lock"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cuda/conf").mkdir(parents=True)
    for name in ("cuda/Dockerfile", "cuda/conf/a", "cuda/cpu.lock", "cuda/cuda.lock"):
        (tmp_path / name).write_text(f"{name}\n")
    (tmp_path / "install-locked").write_text("#!/bin/sh\n")
    return tmp_path


def hashed(folder: Path, *, torch="cpu", base="sha256:1", settings=None) -> str:
    files = context_files("cuda", SPEC, torch, folder)
    return hash_inputs(files, base=base, settings=settings or {})


def test_the_same_inputs_have_the_same_hash(folder):
    first = hashed(folder)
    (folder / "cuda/Dockerfile").touch()
    assert hashed(folder) == first
    assert len(first) == 64


@pytest.mark.parametrize(
    "name", ["cuda/Dockerfile", "cuda/conf/a", "cuda/cpu.lock", "install-locked"]
)
def test_a_changed_file_changes_the_hash(folder, name):
    first = hashed(folder)
    (folder / name).write_text("other\n")
    assert hashed(folder) != first


def test_a_new_a_renamed_and_an_executable_file_change_the_hash(folder):
    seen = {hashed(folder)}
    (folder / "cuda/b").write_text("")
    seen.add(hashed(folder))
    (folder / "cuda/b").rename(folder / "cuda/c")
    seen.add(hashed(folder))
    (folder / "cuda/c").chmod(0o755)
    seen.add(hashed(folder))
    assert len(seen) == 4


def test_base_and_settings_and_torch_change_the_hash(folder):
    (folder / "cuda/cuda.lock").write_text("another\n")
    seen = {
        hashed(folder),
        hashed(folder, base="sha256:2"),
        hashed(folder, settings={"torch": "cpu"}),
        hashed(folder, settings={"torch": "cuda"}),
        hashed(folder, torch="cuda"),
    }
    assert len(seen) == 5


@pytest.mark.parametrize("name", ["cuda/README.md", "cuda/requirements.in", "cuda/cuda.lock"])
def test_what_is_not_sent_does_not_change_the_hash(folder, name):
    first = hashed(folder)
    (folder / name).write_text("for people, or for another build\n")
    assert hashed(folder) == first


def test_content_cannot_move_from_one_file_to_another_unseen(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("ab")
    second.write_text("c")
    before = hash_inputs({"x": first, "y": second}, base="", settings={})
    first.write_text("a")
    second.write_text("bc")
    assert hash_inputs({"x": first, "y": second}, base="", settings={}) != before


def test_an_image_without_a_lock_is_its_folder_alone(folder):
    files = context_files("cuda", ImageSpec(parent="trixie"), "cpu", folder)
    assert set(files) == {"Dockerfile", "conf/a"}
