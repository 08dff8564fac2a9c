"""Nothing is pushed, and no file changes, before all images have passed their tests."""

import importlib
from dataclasses import replace

import pytest

from fleet.errors import FleetError
from fleet.images import digests, sbom
from fleet.images.examine import Installed
from fleet.images.model import BuiltImage

MODULE = importlib.import_module("fleet.images.release")


@pytest.fixture
def pushed(monkeypatch):
    """The images that were pushed; none is built."""
    names = []

    def build(names, **_):
        return {
            name: BuiltImage(name, f"sha256:{name}", f"fleet/{name}:1", f"fleet/{name}", "",
                             "0" * 64, "registry")
            for name in names
        }  # fmt: skip

    def push(image, target, known, programs, echo):
        names.append(image.name)
        return replace(image, digest=f"sha256:{'1' * 64}")

    monkeypatch.setattr(MODULE, "build", build)
    monkeypatch.setattr(importlib.import_module("fleet.images.pushing"), "push_one", push)
    return names


def let_fail(monkeypatch, failing):
    def examine(image, specs, echo):
        if image.name == failing:
            raise FleetError(f"the image '{image.name}' does not pass its test")
        return Installed([{"name": "six", "version": "1", "licences": []}], [])

    monkeypatch.setattr(MODULE, "examine", examine)


def release(path):
    names = ["common", "cpu", "agent", "node"]
    return MODULE.release(names, push_to="r:5000", digests_file=path, echo=lambda line: None)


def test_what_passes_is_pushed_and_its_bill_and_digest_are_written(pushed, monkeypatch, tmp_path):
    let_fail(monkeypatch, "none")
    path = tmp_path / "digests.yml"
    assert set(release(path)) == {"common", "cpu", "agent", "node"}
    assert sorted(pushed) == ["agent", "cpu"]
    bill = (tmp_path / "sbom" / "cpu.cdx.json").read_text()
    assert digests.read(path)["cpu"].sbom == sbom.sha256(bill)


def test_one_image_that_fails_and_none_is_pushed_and_no_file_changes(pushed, monkeypatch, tmp_path):
    let_fail(monkeypatch, "agent")
    path = tmp_path / "digests.yml"
    path.write_text("images: {}\n")
    with pytest.raises(FleetError, match="'agent' does not pass"):
        release(path)
    assert pushed == []
    assert path.read_text() == "images: {}\n"
    assert [file.name for file in tmp_path.iterdir()] == ["digests.yml"]
