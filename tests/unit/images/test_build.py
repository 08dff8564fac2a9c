import importlib

import pytest

from fleet.errors import FleetError
from fleet.images import build, digests, engine, registry, to_build
from fleet.images.catalog import load_images
from fleet.images.model import BuiltImage

MODULE = importlib.import_module("fleet.images.build")


@pytest.mark.parametrize(
    ("names", "options", "told"),
    [
        (["gpu"], {}, "no image 'gpu'"),
        (["cpu"], {"torch": "rocm"}, "no PyTorch 'rocm'"),
        (["cpu"], {"bases": "hub"}, "bases cannot come from 'hub'"),
    ],
)
def test_a_wrong_wish_is_refused_before_docker_is_asked(monkeypatch, names, options, told):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(FleetError, match=told) as caught:
        build(names, **options)
    assert caught.value.mend


def test_a_machine_without_docker_is_told_so(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(FleetError, match="no docker command"):
        build(["node"])


def test_what_was_pushed_is_written_where_the_caller_says(monkeypatch, tmp_path):
    class Workshop:
        def __init__(self, *_, **__):
            pass

        def ensure(self, names, ready):
            built = {
                name: BuiltImage(
                    name, "sha256:1", f"fleet/{name}:1", f"fleet/{name}", "", "0" * 64, "registry"
                )
                for name in names
            }
            for image in built.values():
                ready(image)
            return built

    monkeypatch.setattr(MODULE, "Workshop", Workshop)
    monkeypatch.setattr(MODULE, "LOGS", tmp_path)
    monkeypatch.setattr(registry, "push", lambda image, **_: f"sha256:{'1' * 64}")
    monkeypatch.setattr(digests, "PATH", tmp_path / "of-all.yml")
    path = tmp_path / "digests.yml"
    build(
        ["agent"],
        push_to="127.0.0.1:5000",
        torch="cpu",
        digests_file=path,
        echo=lambda line: None,
    )
    assert digests.by_name(path) == {"agent": f"sha256:{'1' * 64}"}
    assert [file.name for file in tmp_path.iterdir()] == ["digests.yml"]


def test_while_docker_rests_what_was_built_before_is_taken_to_be_there(monkeypatch, tmp_path):
    monkeypatch.setattr(MODULE, "RECORD", tmp_path / "built.json")
    assert list(to_build(load_images(), engine_answers=False)[0]) == list(load_images())
    MODULE.RECORD.write_text('{"common": "fleet/common:1", "node": "fleet/node:1"}')
    missing, torch = to_build(load_images(), engine_answers=False)
    assert list(missing) == ["cpu", "cuda", "agent", "node-bookworm", "services"]
    assert torch in ("cpu", "cuda")


def test_what_the_engine_has_of_other_inputs_is_still_to_be_built(monkeypatch):
    made = {"RootFS": {"Layers": ["sha256:layer"]}}
    monkeypatch.setattr(engine, "inspect", lambda name: made if "debootstrap" in name else None)
    ours = {f"fleet/base-{name}:debootstrap": "sha256:0" for name in ("bookworm", "trixie")}
    ours["fleet/node:0123456789abcdef"] = "sha256:1"
    monkeypatch.setattr(engine, "our_images", lambda: ours)
    assert list(to_build(load_images(), engine_answers=True)[0]) == list(load_images())
