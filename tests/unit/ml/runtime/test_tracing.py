from __future__ import annotations

import hashlib
import json

import pytest

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


NAMES = ("node", "device", "cure seconds", "source", "task")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("artifact", "said"),
    [
        ("importance", lambda by_column: by_column),
        ("explanation", lambda by_column: {"base": 1.0, "contributions": by_column}),
        ("optimum", lambda by_column: {"points": [{"inputs": by_column}]}),
        ("optimum", lambda by_column: {"searched": by_column, "points": []}),
        ("predictions", lambda by_column: {"record": {}, "edited": by_column}),
        ("summary", lambda by_column: {"inferences": [{"record": by_column}]}),
        ("summary", lambda by_column: {"data": {"missing": by_column}}),
        ("summary", lambda by_column: {"predictions": {"rows per class": by_column}}),
        ("reference", lambda by_column: {"rows": 9, "columns": by_column}),
    ],
)
def test_what_is_said_of_a_column_counts_whatever_its_name(tmp_path, artifact, said, name):
    path = tmp_path / f"{artifact}.json"
    hashes = set()
    for number in (0.4, 0.5):
        path.write_text(json.dumps(said({name: number})))
        hashes.add(content_hash(path))
    assert len(hashes) == 2


def test_a_class_may_have_the_name_of_a_time(tmp_path):
    path = tmp_path / "predictions.json"
    hashes = set()
    for number in (0.4, 0.5):
        path.write_text(json.dumps({"probability of 30 seconds": number}))
        hashes.add(content_hash(path))
    assert len(hashes) == 2


@pytest.mark.parametrize("key", ["best", "leaderboard", "failed", "inferences", "tuning"])
def test_records_within_a_record_are_compared_without_times_places_and_ids(tmp_path, key):
    path = tmp_path / "summary.json"
    hashes = set()
    for task in ("t1", "t2"):
        row = {"task": task, "seconds": len(hashes), "score": 1.0}
        path.write_text(json.dumps({key: row if key in ("best", "tuning") else [row]}))
        hashes.add(content_hash(path))
    assert len(hashes) == 1
