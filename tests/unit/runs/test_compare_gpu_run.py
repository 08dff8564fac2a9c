"""A whole run, as all its steps leave it, beside one that a GPU computed a little otherwise."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from fleet.runs.compare import compare
from fleet.runs.fingerprints import read_folder
from ml.runtime.entry import main
from ml.tabular.data.sources import load_builtin

# these see no model
BEFORE = ("data-registration", "preprocessing")
# but for the 90 of "90 %"
NUMBER = re.compile(r"\b\d+(\.\d+)?\b(?! %)")


@pytest.fixture(scope="module", params=["diabetes", "wine"])
def made(request, tmp_path_factory):
    """The run of a pipeline with every kind of inference, of a number and of classes."""
    source = f"builtin:{request.param}"
    frame, target = load_builtin(source)
    record = frame.drop(columns=target).iloc[0].to_dict()
    goal = {"Goal/class": frame[target].iloc[0]} if request.param == "wine" else {}
    settings = {
        "Data/source": source,
        "Training/models": "ridge",
        "Training/folds": "0",
        "Inference/record": json.dumps(record),
        "Inference/optimize": json.dumps({**goal, "Search/trials": 5}),
    }
    folder = tmp_path_factory.mktemp("made") / "run"
    given = [part for name, text in settings.items() for part in ("--set", f"{name}={text}")]
    assert main(["pipeline", "--out", str(folder), *given]) == 0
    return folder


def by_a_gpu(folder, to, share):
    """A copy of which a GPU trained the model: numbers are so far apart, no file is the same."""
    shutil.copytree(folder, to)
    for path in to.glob("**/fingerprint.json"):
        said = json.loads(path.read_text())
        if said["phase"] in BEFORE:
            continue
        if said["phase"] == "training":
            said["device"] = "NVIDIA H100"
        said["results"] = {name: one * (1 + share) for name, one in said["results"].items()}
        for name in ("score", "prediction"):
            if name in said["stated"]:
                said["stated"][name] = moved(said["stated"][name], share)
        said["outputs"] = {name: {"sha256": "0"} for name in said["outputs"]}
        path.write_text(json.dumps(said))
    return to


def moved(text, share):
    return NUMBER.sub(lambda found: f"{float(found[0]) * (1 + share):.6g}", text)


def test_a_whole_run_on_a_gpu_is_equal_within_the_tolerance(made, tmp_path):
    first = by_a_gpu(made, tmp_path / "first", 0.0)
    second = by_a_gpu(made, tmp_path / "second", 5e-5)
    compared = compare(read_folder(first), read_folder(second))
    assert {step.step for step in compared.steps} >= {
        "preprocessing",
        "training ridge",
        "training-summary",
        "inference-batch",
        "inference-single",
        "inference-optimize",
        "inference-summary",
        "pipeline",
    }
    assert [item for item in compared.differences if item.of_results] == []
    assert compared.equal
    results = {step.step: step.results for step in compared.steps}
    assert results["preprocessing"] == "equal"
    assert results["training ridge"] == results["pipeline"] == "within tolerance"
    assert "within 0.001 where a GPU computed" in compared.verdict


def test_a_run_on_a_gpu_that_is_farther_apart_differs_from_its_training_on(made, tmp_path):
    first = by_a_gpu(made, tmp_path / "first", 0.0)
    second = by_a_gpu(made, tmp_path / "second", 5e-3)
    compared = compare(read_folder(first), read_folder(second))
    assert compared.verdict.startswith("different results from training ridge on")
    assert compared.steps[-1].results == "differ"
