"""What a task fetches from elsewhere, and what it says when that cannot be had."""

from types import SimpleNamespace

import pytest
from clearml import StorageManager, Task
from clearml.storage.helper import StorageError

from ml.catalog import PHASES
from ml.runtime import task_step
from ml.runtime.errors import DataError, UserError
from ml.runtime.guard import Permit
from ml.runtime.routing import Routing
from ml.runtime.task_step import TaskStep


@pytest.fixture
def step(tmp_path):
    return TaskStep(SimpleNamespace(session=None), "training", "r1", tmp_path)


def test_a_file_that_changed_at_its_address_is_read_anew(step, monkeypatch, tmp_path):
    (tmp_path / "old").write_text("old")
    (tmp_path / "new").write_text("new")

    def from_cache(address, force_download=False, **_):
        return str(tmp_path / ("new" if force_download else "old"))

    monkeypatch.setattr(StorageManager, "get_local_copy", from_cache)
    assert step.download("http://host/data.csv", "Data/source").read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, StorageError])
def test_storage_without_credentials_is_told(step, monkeypatch, error):
    def refuse(*_, **__):
        raise error("Missing key and secret for S3 storage access")

    monkeypatch.setattr(StorageManager, "get_local_copy", refuse)
    with pytest.raises(DataError, match="Missing key and secret") as caught:
        step.download("s3://bucket/data.csv", "Data/source")
    assert caught.value.where == "Data/source"
    assert "credentials" in caught.value.mend


@pytest.mark.parametrize(
    ("reference", "said"), [("", "no task is named"), ("gone", "there is no task 'gone'")]
)
def test_a_task_that_is_not_there_is_told_with_its_field(step, monkeypatch, reference, said):
    monkeypatch.setattr(Task, "get_task", lambda task_id: None)
    with pytest.raises(UserError, match=said) as caught:
        step.fetch(reference, "model", "Input/training_task")
    assert "set Input/training_task" in caught.value.mend


def test_a_controller_follows_the_rules_that_it_was_judged_by(step, monkeypatch):
    rules = Routing(queues={"training": ["cpu-train"]})
    record = SimpleNamespace(
        configuration={}, put_back="", id="c1", runtime={}, has_begun=False, marked=[]
    )
    step._task.id = "c1"
    step._server = SimpleNamespace(
        record=lambda task_id: record,
        set_configuration=lambda *given: record.configuration.update({given[1]: given[2]}),
        outcomes=lambda run_id: [],
        note_begun=record.marked.append,
    )
    monkeypatch.setattr(task_step, "check_start", lambda *_: Permit(rules, controller="p1"))
    followed = []
    monkeypatch.setattr(task_step, "run_plan", lambda *given, **_: followed.append(given[2]) or [])
    with pytest.raises(RuntimeError, match="after the guard"):
        step.run_plan([])
    step.guard(PHASES["training"], PHASES["training"].parameters())
    assert step.run_plan([]) == []
    assert followed == [rules]
    assert record.configuration == {"started-c1": {"started": True}, "steps": {}}
    assert record.marked == ["c1"]
    record.has_begun = True
    step.run_plan([])
    assert record.marked == ["c1"]
