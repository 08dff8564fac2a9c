from __future__ import annotations

import hashlib
import json

from ml.runtime.tracing import Trace, content_hash


def test_files_are_noted_with_the_hash_of_their_bytes(tmp_path):
    path = tmp_path / "train.parquet"
    path.write_bytes(b"rows")
    trace = Trace()
    trace.fetched("artifact", "train", path, "t1")
    trace.fetched("artifact", "train", path, "t1")  # asked for twice, noted once
    trace.left("test", path)
    digest = hashlib.sha256(b"rows").hexdigest()
    assert trace.inputs == [{"kind": "artifact", "name": "train", "of": "t1", "sha256": digest}]
    assert trace.outputs == {"test": {"sha256": digest}}


def test_the_same_artifact_of_two_steps_is_two_inputs(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text("{}")
    trace = Trace()
    trace.fetched("artifact", "metrics", path, "t1")
    trace.fetched("artifact", "metrics", path, "t2")
    assert [one["of"] for one in trace.inputs] == ["t1", "t2"]


def test_each_file_of_a_data_set_is_noted_and_its_hash_found(tmp_path):
    (tmp_path / "data.parquet").write_bytes(b"rows")
    (tmp_path / "schema.json").write_text('{"hash": "abc"}')
    trace = Trace()
    trace.fetched("dataset", "dataset", tmp_path, "d1")
    assert [one["name"] for one in trace.inputs] == ["dataset/data.parquet", "dataset/schema.json"]
    assert trace.data_hash == "abc"


def test_what_json_says_is_compared_without_times_places_and_ids(tmp_path):
    first = {"test": {"rmse": 1.5}, "fit_seconds": 2.0, "training_task": "t1", "rows": [{"a": 1}]}
    again = {"rows": [{"a": 1}], "fit_seconds": 3.0, "training_task": "t2", "test": {"rmse": 1.5}}
    other = {**again, "test": {"rmse": 1.5000000001}}
    hashes = []
    for number, said in enumerate((first, again, other)):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(said))
        hashes.append(content_hash(path))
    assert hashes[0] == hashes[1]
    assert hashes[0] != hashes[2]


def test_a_leaderboard_is_compared_without_its_times(tmp_path):
    rows = [{"model": "ridge", "test": 1.0, "fit seconds": 1.0, "queue": "a", "task": "t1"}]
    again = [{"model": "ridge", "test": 1.0, "fit seconds": 9.0, "queue": "b", "task": "t2"}]
    for name, said in (("a.json", rows), ("b.json", again)):
        (tmp_path / name).write_text(json.dumps(said))
    assert content_hash(tmp_path / "a.json") == content_hash(tmp_path / "b.json")
