import sys
import time
from importlib import metadata

from ml.runtime import environment


def test_the_packages_are_those_that_python_itself_finds():
    expected = {environment.canonical(one.metadata["Name"]): one.version
                for one in reversed(list(metadata.distributions()))}  # fmt: skip
    assert environment.installed() == dict(sorted(expected.items()))


def test_equal_environments_have_an_equal_hash_and_others_another():
    one = environment.describe({}, {"a": "1", "b": "2"})
    assert one["hash"] == environment.describe({"a": "1"}, {"b": "2", "a": "1"})["hash"]
    assert one["hash"] != environment.describe({}, {"a": "1", "b": "3"})["hash"]
    assert len(one["hash"]) == 12


def test_what_was_added_and_what_is_not_as_locked_is_told():
    lock = environment.locked()
    after = {**lock, "pandas": "0.1", "umap-learn": "0.5.7"}
    found = environment.describe(lock, after)
    assert found["added"] == {"umap-learn": "0.5.7"}
    assert found["unlike_lock"] == {"pandas": {"lock": lock["pandas"], "installed": "0.1"}}


def test_a_checkout_without_the_lock_has_nothing_to_compare(tmp_path):
    assert environment.locked(tmp_path / "absent") == {}


def test_it_is_cheap():
    started = time.perf_counter()
    before = environment.installed()
    environment.describe(before, environment.installed())
    assert time.perf_counter() - started < 0.1


def test_a_folder_of_the_path_that_is_not_there_does_not_matter(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", [str(tmp_path / "absent"), *sys.path])
    assert environment.installed()
