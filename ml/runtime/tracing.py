"""What a step fetched, what it left and what it found: recorded as it happens, for its fingerprint.

Files are hashed while they are hot: a gigabyte takes less than a second.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml.runtime.host import GPU_TOLERANCE

# what JSON says of the place, the time and the task: equal runs have it different
_NO_RESULTS = frozenset(
    {
        "run_id",
        "task",
        "training_task",
        "preprocessing_task",
        "dataset_id",
        "parent",
        "source",
        "queue",
        "worker",
        "node",
        "device",
        "threads",
        "made_with",
        "size_bytes",
        "size bytes",
    }
)
_TIME = re.compile(r"(^|[ _])seconds?$")
# below other keys than these JSON holds names of columns, classes and metrics, which may be any
_RECORDS = frozenset({"best", "leaderboard", "failed", "inferences", "tuning"})
_OF_A_CLASS = "probability of "
# a mapping of columns as a whole
_OF_COLUMNS = "importance.json"
_SCHEMA = "schema"


@dataclass
class Trace:
    """The record of one step.

    Parameters
    ----------
    inputs : list of dict
        `kind` (artifact, dataset or file), `name`, `of` (the step or the data set that it is of)
        and `sha256`.
    outputs : dict
        Name → `sha256` and, of JSON, `content`: a hash of what it says without times, places and
        ids.
    results : dict
        Name → number, as it was reported.
    data_hash : str
        Of the data set's values, as its schema has it.
    device : str
        What the step says that it computed on; empty where it does not.
    tolerance : float
        How far its numbers may be apart, as a share, between a GPU and a CPU.
    """

    inputs: list[dict[str, str]] = field(default_factory=list)
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    results: dict[str, float] = field(default_factory=dict)
    data_hash: str = ""
    device: str = ""
    tolerance: float = GPU_TOLERANCE

    def fetched(self, kind: str, name: str, path: Path, of: str = "") -> None:
        """Note an input; a file once, however often it is asked for."""
        if any(one["name"] == name and one["of"] == of for one in self.inputs):
            return
        for part, file in _files(name, path):
            self.inputs.append({"kind": kind, "name": part, "of": of, "sha256": file_hash(file)})
            self._note_data(part, file)

    def left(self, name: str, path: Path) -> None:
        """Note an output: a file, or each file of a folder."""
        for part, file in _files(name, path):
            self.outputs[part] = {"sha256": file_hash(file)}
            if file.suffix == ".json":
                self.outputs[part]["content"] = content_hash(file)
            self._note_data(part, file)

    def _note_data(self, name: str, file: Path) -> None:
        if Path(name).stem == _SCHEMA and file.suffix == ".json":
            said = json.loads(file.read_text("utf-8"))
            if isinstance(said, dict) and said.get("hash"):
                self.data_hash = str(said["hash"])


def file_hash(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def content_hash(path: Path) -> str:
    """The SHA-256 of what a JSON file says, without times, places and ids."""
    said = json.loads(path.read_text("utf-8"))
    if path.name != _OF_COLUMNS:
        said = _results_only(said)
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _results_only(record: Any) -> Any:
    """A record, or a list of them, without times, places and ids."""
    if isinstance(record, list):
        return [_results_only(one) for one in record]
    if not isinstance(record, Mapping):
        return record
    return {
        key: _results_only(value) if key in _RECORDS else value
        for key, value in record.items()
        if key not in _NO_RESULTS and not _is_time(key)
    }


def _is_time(key: str) -> bool:
    return bool(_TIME.search(key)) and not key.startswith(_OF_A_CLASS)


def _files(name: str, path: Path) -> list[tuple[str, Path]]:
    if path.is_dir():
        found = sorted(file for file in path.rglob("*") if file.is_file())
        return [(f"{name}/{file.relative_to(path).as_posix()}", file) for file in found]
    return [(name, path)] if path.is_file() else []
