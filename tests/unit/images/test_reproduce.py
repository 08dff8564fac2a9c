import importlib
from types import SimpleNamespace

import pytest

from fleet.images import engine, reproduce, tree
from fleet.images.tree import Entry

MODULE = importlib.import_module("fleet.images.reproduce")


@pytest.fixture
def builds(monkeypatch):
    """What is in the image that is there, and in those that are built anew, in order."""
    contents, removed = {}, []
    monkeypatch.setattr(
        MODULE, "build", lambda names, mark, **_: {n: SimpleNamespace(image_id=mark) for n in names}
    )
    monkeypatch.setattr(
        tree, "of_image", lambda mark: {"a": Entry("file", 0o644, 0, 0, contents[mark])}
    )
    monkeypatch.setattr(engine, "our_images", lambda: dict.fromkeys(("x:1", "x:1-again"), "id"))
    monkeypatch.setattr(engine, "query", lambda *words: removed.append(words[-1]))
    contents["removed"] = removed
    return contents


@pytest.mark.parametrize(
    ("there", "again", "third", "differ"),
    [
        ("x", "x", None, []),
        ("of an older mirror", "x", "x", []),
        ("x", "y", "z", ["/a: content"]),
    ],
)
def test_two_builds_from_nothing_decide(builds, there, again, third, differ):
    builds |= {"": there, "-again": again, "-once-more": third}
    (found,) = reproduce.reproduce(["cpu"], echo=lambda line: None)
    assert found.differences == differ
    assert builds["removed"] == ["x:1-again"]
