"""What an image is asked before it is pushed, and what comes of the answer; docker is a stub."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleet.errors import FleetError
from fleet.images import inside, locks
from fleet.images.catalog import IMAGES_DIR, load_images
from fleet.images.examine import examine
from fleet.images.model import BuiltImage

STUB = """\
#!/bin/sh
cat > {folder}/program
printf '%s\\n' "$@" > {folder}/words
cat {folder}/answer
"""
FOUND = {"python": [], "debian": [], "problems": [], "notes": ["12 CUDA libraries load"]}


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Examine an image that answers so; the words of `docker run`, and what was told."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "docker").write_text(STUB.format(folder=tmp_path))
    (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")

    def run(name, answer=FOUND, torch=""):
        (tmp_path / "answer").write_text(json.dumps(answer))
        image = BuiltImage(
            *(name, "sha256:1", f"fleet/{name}:1", f"fleet/{name}", "", "0" * 64, "registry"),
            torch=torch,
        )
        told = []
        examine(image, load_images(), told.append)
        assert (tmp_path / "program").read_text() == Path(inside.__file__).read_text()
        return (tmp_path / "words").read_text().splitlines(), told

    return run


def test_an_image_is_asked_for_its_locks_its_programs_and_its_libraries(asked):
    words, told = asked("cuda", torch="cuda")
    request = json.loads(words[-1])

    specs = load_images()
    wanted = {}
    for layer in ("common", "cpu", "cuda"):
        text = (IMAGES_DIR / specs[layer].lock_for("cuda")).read_text()
        wanted |= {name: pin.version for name, pin in locks.parse(text).items()}
    assert request["locked"].keys() == wanted.keys()
    assert ["clearml-agent", "--version"] in request["programs"]
    assert ["clearml-agent", "execute", "--help"] in request["programs"]
    assert request["torch"] == "cuda"
    assert "12 CUDA libraries load" in told[0]


def test_it_is_asked_without_a_network_and_can_change_nothing(asked):
    words, _ = asked("cpu")
    assert {"--network=none", "--read-only", "--rm"} <= set(words)


def test_programs_of_its_own_are_asked_for_too(asked):
    request = json.loads(asked("agent")[0][-1])
    assert ["docker", "--version"] in request["programs"]


def test_all_that_is_wrong_is_told_at_once(asked):
    answer = {**FOUND, "problems": ["`import a` fails: b", "libc.so does not load: d"]}
    with pytest.raises(FleetError, match=r"does not pass its test") as error:
        asked("cpu", answer)

    for problem in answer["problems"]:
        assert f"- {problem}" in str(error.value)


def test_all_kinds_of_trouble_are_looked_for_inside(monkeypatch):
    ran = []
    monkeypatch.setattr(inside, "distributions", lambda: [])
    monkeypatch.setattr(inside, "debian_packages", lambda: [])
    monkeypatch.setattr(inside, "wrong_versions", lambda *_: ["versions"])
    monkeypatch.setattr(inside, "failed_imports", lambda *_: ["imports"])
    monkeypatch.setattr(inside, "failed_programs", lambda all_: ran.extend(all_) or ["programs"])
    monkeypatch.setattr(inside, "cuda", lambda torch: ([f"torch for {torch}"], []))
    found = inside.look({"locked": {}, "programs": [["own"]], "torch": "cuda"})

    assert found["problems"] == ["versions", "imports", "programs", "torch for cuda"]
    assert [words[-2:] for words in ran] == [["pip", "check"], ["own"]]
