"""Each step leaves a fingerprint, and equal runs leave equal ones."""

from __future__ import annotations

import json
import subprocess

import pytest

from ml.models import xgboost_gpu
from ml.runtime import fingerprint, host
from ml.runtime.entry import main
from ml.runtime.fingerprint import Code
from ml.runtime.tracing import Trace


def describe(parameters=None, accelerator="cpu", trace=None, **stated):
    return fingerprint.describe(
        "training",
        "r1",
        parameters or {},
        accelerator,
        Code("c1", "image@sha256:1"),
        {"hash": "e1", "python": "3.11.2"},
        stated,
        trace or Trace(),
    )


@pytest.fixture
def one_gpu(monkeypatch):
    monkeypatch.setattr(host, "gpus", lambda: (host.Gpu("NVIDIA H100", "550.1"),))


def test_seeds_and_threads_are_told_apart():
    found = describe(
        {"Model/seed": "7", "Split/seed": "1", "Model/threads": "2", "Model/name": "x"}
    )
    assert found["seeds"] == {"Model/seed": "7", "Split/seed": "1"}
    assert found["threads"] == {"Model/threads": "2"}
    assert (found["commit"], found["image"]) == ("c1", "image@sha256:1")
    assert len(found["lock"]) == 64


def test_a_step_that_asks_for_no_gpu_computes_on_the_cpu(one_gpu):
    assert describe()["device"] == "cpu"
    assert describe()["driver"] == "550.1"
    assert describe(accelerator="gpu")["device"] == "NVIDIA H100"


def test_a_step_may_say_what_it_computed_on(one_gpu):
    assert describe(accelerator="gpu", trace=Trace(device="cpu"))["device"] == "cpu"
    assert describe(trace=Trace(device="cuda"))["device"] == "NVIDIA H100"


def test_a_step_may_say_how_near_a_gpu_comes_to_a_cpu():
    assert describe()["tolerance"] == host.GPU_TOLERANCE
    assert describe(trace=Trace(device="cuda", tolerance=0.02))["tolerance"] == 0.02


def test_a_device_that_no_driver_names_is_told_as_the_step_says_it(monkeypatch):
    monkeypatch.setattr(host, "gpus", tuple)
    assert describe(accelerator="gpu", trace=Trace(device="cuda"))["device"] == "cuda"


def test_a_step_that_asks_for_a_gpu_where_there_is_none_computes_on_the_cpu(monkeypatch):
    monkeypatch.setattr(host, "gpus", tuple)
    assert describe(accelerator="gpu")["device"] == "cpu"


def test_only_properties_that_are_results_are_kept():
    assert describe(score="1.5", run_id="r1", environment="e")["stated"] == {"score": "1.5"}


def test_the_processor_is_named(tmp_path):
    assert host.cpu_model()
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Big Chip 9\n")
    assert host.cpu_model(tmp_path / "cpuinfo") == "Big Chip 9"


def test_what_the_driver_shows_is_read(monkeypatch):
    host.gpus.cache_clear()
    monkeypatch.setattr(host.shutil, "which", lambda _: "/usr/bin/nvidia-smi")
    told = "NVIDIA H100, 550.1\nNVIDIA H100, 550.1\n"
    monkeypatch.setattr(
        host.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, told)
    )
    try:
        assert host.gpus() == (host.Gpu("NVIDIA H100", "550.1"),) * 2
    finally:
        host.gpus.cache_clear()


def read(folder):
    return json.loads((folder / "fingerprint.json").read_text())


def test_a_failed_step_has_a_fingerprint_too(tmp_path):
    assert main(["training", "--out", str(tmp_path), "--set", "Model/name=nonsense"]) == 1
    found = read(tmp_path)
    assert found["parameters"] == {"Model/name": "nonsense"}
    assert found["results"] == {}
    assert json.loads((tmp_path / "step.json").read_text())["artifacts"] == {
        "fingerprint": "fingerprint.json"
    }


SETTINGS = ("Data/source=builtin:wine", "Training/models=ridge,lightgbm")


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    """The same pipeline in two folders."""
    folders = []
    for name in ("first", "second"):
        folder = tmp_path_factory.mktemp(name) / "run"
        settings = [part for setting in SETTINGS for part in ("--set", setting)]
        assert main(["pipeline", "--out", str(folder), *settings]) == 0
        folders.append(folder)
    return folders


def test_the_same_run_twice_gives_the_same_bits(twice):
    first, second = twice
    steps = sorted(path.parent.name for path in first.glob("*/fingerprint.json"))
    assert {"data-registration", "preprocessing", "training-ridge", "inference-batch"} <= set(steps)
    for step in steps:
        one, other = read(first / step), read(second / step)
        assert one["results"] == other["results"], step
        assert one["stated"] == other["stated"], step
        assert one["outputs"].keys() == other["outputs"].keys(), step
        for name in fingerprint.COMPARED & one["outputs"].keys():
            seen, seen_again = one["outputs"][name], other["outputs"][name]
            key = "content" if "content" in seen else "sha256"
            assert seen[key] == seen_again[key], f"{step}: {name}"


def test_a_fingerprint_tells_where_each_input_came_from(twice):
    found = read(twice[0] / "training-ridge")
    inputs = {one["name"]: one for one in found["inputs"]}
    assert {"train", "validation", "test", "schema", "preprocessor"} <= inputs.keys()
    assert inputs["train"]["of"].endswith("preprocessing")
    prepared = read(twice[0] / "preprocessing")["outputs"]
    assert inputs["train"]["sha256"] == prepared["train"]["sha256"]
    assert found["seeds"] == {"Model/seed": "0"}
    assert found["environment"]
    assert found["results"]


def test_a_training_tells_what_its_model_declares(twice, tmp_path):
    settings = {
        "Input/preprocessing_task": twice[0] / "preprocessing",
        "Model/name": "xgboost_gpu",
        "Model/parameters": '{"n_estimators": 2}',
    }
    given = [part for name, text in settings.items() for part in ("--set", f"{name}={text}")]
    assert main(["training", "--out", str(tmp_path), *given]) == 0
    assert read(tmp_path)["tolerance"] == xgboost_gpu.TOLERANCE
