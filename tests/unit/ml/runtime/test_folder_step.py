"""Steps in folders: what an earlier run left, folders that cannot be, disks that are full."""

import errno
import json
from pathlib import Path

import pytest

from ml.pipeline import PlannedStep
from ml.runtime import entry
from ml.runtime.errors import UserError
from ml.runtime.folder_lock import held
from ml.runtime.folder_step import RECORD, FolderStep


def leave(folder, phase="data-registration", status="completed", **more):
    folder.mkdir(parents=True, exist_ok=True)
    record = {"phase": phase, "run_id": "earlier", "name": folder.name, "status": status}
    record |= {"properties": {}, "artifacts": {}, **more}
    (folder / RECORD).write_text(json.dumps(record))
    return folder


@pytest.fixture
def step(tmp_path):
    return FolderStep("preprocessing", "run", tmp_path / "out")


def register(out, *settings):
    arguments = ["data-registration", "--out", str(out)]
    return entry.main([*arguments, *(part for one in settings for part in ("--set", one))])


def test_steps_of_an_earlier_run_in_the_folder_do_not_count(tmp_path, capsys):
    leave(tmp_path / "training-svm", "training")
    pipeline = FolderStep("pipeline", "new", tmp_path)
    planned = PlannedStep("preprocessing", "preprocessing")
    outcomes = pipeline.run_plan([planned])
    assert [outcome.phase for outcome in outcomes] == ["preprocessing"]
    left = pipeline.outcomes(str(tmp_path), "the run")
    assert [outcome.phase for outcome in left] == ["preprocessing"]
    assert "of an earlier run, so it does not count: training-svm" in capsys.readouterr().out
    # nothing is lost
    assert (tmp_path / "training-svm" / "earlier-step.json").is_file()


def test_a_step_that_is_not_named_is_told(step):
    with pytest.raises(UserError, match="no step is named"):
        step.fetch("", "train", "Input/preprocessing_task")


def test_a_step_without_a_data_set_is_told(step, tmp_path):
    folder = leave(tmp_path / "prepared", "preprocessing")
    with pytest.raises(UserError, match="has no data set"):
        step.dataset(str(folder), "Input/dataset_id")


def test_the_data_set_of_a_run_before_one_that_failed_is_not_taken(step, tmp_path):
    folder = leave(tmp_path / "data", status="failed")
    (folder / "dataset").mkdir()
    with pytest.raises(UserError, match="data-registration step, failed"):
        step.dataset(str(folder), "Input/dataset_id")


def test_a_record_that_was_cut_off_is_told(step, tmp_path):
    (leave(tmp_path / "data") / RECORD).write_text('{"phase": ')
    with pytest.raises(UserError, match="was cut off"):
        step.fetch(str(tmp_path / "data"), "schema", "Input/dataset_id")


def test_an_output_that_was_cut_off_is_told(step, tmp_path):
    folder = leave(tmp_path / "trained", "training", artifacts={"metrics": "metrics.json"})
    (folder / "metrics.json").write_text('{"kind": ')
    with pytest.raises(UserError, match="cannot be read"):
        step.fetch_json(str(folder), "metrics", "Input/training_task")


@pytest.mark.parametrize("under", ["", "below"])
def test_an_out_that_can_be_no_folder_is_told(tmp_path, capsys, under):
    (tmp_path / "file").write_text("")
    assert register(tmp_path / "file" / under) == 1
    assert "error: the folder cannot be written to" in capsys.readouterr().err


def test_an_empty_out_is_a_wrong_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        entry.main(["data-registration", "--out", ""])
    assert caught.value.code == 2
    assert "the name of the folder is empty" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_full_is_told_without_a_traceback(tmp_path, monkeypatch, capsys):
    def full(path, *rest):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_text", full)
    assert register(tmp_path / "out", "Data/source=builtin:iris") == 1
    printed = capsys.readouterr()
    assert "error: the disk is full" in printed.out
    assert "error: the folder cannot be written to: No space left on device" in printed.err
    assert "Traceback" not in printed.out + printed.err


def test_a_second_run_into_the_same_folder_is_refused_while_one_goes_on(tmp_path, capsys):
    with held(tmp_path / "out"):
        assert register(tmp_path / "out", "Data/source=gone.csv") == 1
        assert "another run is writing to this folder" in capsys.readouterr().err
    register(tmp_path / "out", "Data/source=gone.csv")
    assert "there is no file 'gone.csv'" in capsys.readouterr().out


def test_an_interrupted_run_ends_without_a_traceback(tmp_path, monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(FolderStep, "run", interrupted)
    assert register(tmp_path / "out") == 130
    assert "interrupted" in capsys.readouterr().err
