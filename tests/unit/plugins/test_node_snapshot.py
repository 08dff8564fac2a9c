"""What a scenario compares before and after."""

from __future__ import annotations

import re

from fleet.paths import REPOSITORY
from tests.own_modules import load_module

MODULE = load_module(REPOSITORY / "molecule" / "shared" / "library" / "node_snapshot.py")

BEFORE = {"file /etc/a": "0644 0:0 aa", "package x": "install installed 1", "file /etc/b": "b"}


def test_what_came_went_and_changed_is_told():
    now = {"file /etc/a": "0600 0:0 aa", "package x": "install installed 1", "volume v": ""}
    assert MODULE.compare(BEFORE, now, []) == [
        "~ file /etc/a 0644 0:0 aa -> 0600 0:0 aa",
        "- file /etc/b b",
        "+ volume v ",
    ]


def test_what_may_stay_is_named_in_whole():
    now = {**BEFORE, "file /etc/a.d": "0755", "file /etc/a.d/x": "0644"}
    assert MODULE.compare(BEFORE, now, ["file /etc/a.d"]) == ["+ file /etc/a.d/x 0644"]
    assert MODULE.compare(BEFORE, now, ["file /etc/a.*"]) == []


def test_a_file_is_its_mode_owner_and_content(tmp_path, monkeypatch):
    monkeypatch.setattr(MODULE, "_TREES", (str(tmp_path),))
    monkeypatch.setattr(MODULE, "_FOLDERS", ())
    monkeypatch.setattr(MODULE, "_OWN_LIFE", re.compile("/none"))
    file = tmp_path / "x"
    file.write_text("one")
    seen = [MODULE.take()[f"file {file}"]]
    file.chmod(0o600)
    seen.append(MODULE.take()[f"file {file}"])
    file.write_text("two")
    seen.append(MODULE.take()[f"file {file}"])
    assert len(set(seen)) == 3
