import json

import pytest

from fleet.images import engine
from fleet.images.model import BuiltImage
from fleet.images.record import replace_older


def image(tag):
    return BuiltImage("cpu", "sha256:1", f"fleet/cpu:{tag}", "fleet/cpu", "", "0", "registry")


@pytest.fixture
def removed(monkeypatch):
    calls = []
    monkeypatch.setattr(engine, "query", lambda *arguments: calls.append(arguments[-1]))
    return calls


def test_what_this_checkout_built_before_is_taken_away_and_nothing_else(tmp_path, removed):
    path = tmp_path / "built.json"
    ours = dict.fromkeys(
        [
            "fleet/cpu:old",
            "127.0.0.1:5000/fleet/cpu:old",
            "fleet/cpu:of-another-checkout",
            "my-fleet/cpu:old",
            "fleet/cuda:old",
        ],
        "sha256:0",
    )
    replace_older({"cpu": image("old")}, path, ours)
    assert removed == []
    replace_older({"cpu": image("new")}, path, ours)
    assert removed == ["fleet/cpu:old", "127.0.0.1:5000/fleet/cpu:old"]
    assert json.loads(path.read_text()) == {"cpu": "fleet/cpu:new"}


def test_a_build_of_the_same_inputs_takes_nothing_away(tmp_path, removed):
    path = tmp_path / "built.json"
    replace_older({"cpu": image("a")}, path, {})
    replace_older({"cpu": image("a")}, path, {"fleet/cpu:a": "sha256:1"})
    assert removed == []
