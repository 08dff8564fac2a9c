import json

import pytest

from fleet.images import engine, record


@pytest.fixture
def images(monkeypatch):
    """Names of the images that the engine has, each with its id."""
    there = {
        "fleet/cpu:old": "1",
        "127.0.0.1:5000/fleet/cpu:old": "1",
        "fleet/cpu:of-another-checkout": "2",
        "my-fleet/cpu:old": "3",
        "fleet/cuda:old": "4",
        "debian@sha256:aa": "5",
    }
    monkeypatch.setattr(engine, "query", lambda *arguments: there.pop(arguments[-1], None))
    monkeypatch.setattr(engine, "our_images", lambda: dict(there))
    monkeypatch.setattr(
        engine, "inspect", lambda name: {"Id": there[name]} if name in there else None
    )
    return there


def test_what_this_checkout_built_before_is_taken_away_and_nothing_else(tmp_path, images):
    path = tmp_path / "built.json"
    assert record.note("cpu", "fleet/cpu:old", path) == []
    assert record.note("cpu", "fleet/cpu:new", path) == [
        "fleet/cpu:old",
        "127.0.0.1:5000/fleet/cpu:old",
    ]
    assert set(images) == {
        "fleet/cpu:of-another-checkout", "my-fleet/cpu:old", "fleet/cuda:old", "debian@sha256:aa",
    }  # fmt: skip
    assert json.loads(path.read_text()) == {"cpu": "fleet/cpu:new"}


def test_a_build_of_the_same_inputs_takes_nothing_away(tmp_path, images):
    path = tmp_path / "built.json"
    record.note("cpu", "fleet/cpu:old", path)
    assert record.note("cpu", "fleet/cpu:old", path) == []
    assert "fleet/cpu:old" in images


def test_all_of_this_checkout_goes_and_what_others_have_stays(tmp_path, images):
    path = tmp_path / "built.json"
    record.note("cpu", "fleet/cpu:old", path)
    record.note("base-bookworm", "debian@sha256:aa", path)
    assert record.remove_all(path) == (2, 2)
    assert set(images) == {"fleet/cpu:of-another-checkout", "my-fleet/cpu:old", "fleet/cuda:old"}


def test_nothing_was_built_here(tmp_path, images):
    assert record.remove_all(tmp_path / "built.json") == (0, 0)
    assert len(images) == 6
