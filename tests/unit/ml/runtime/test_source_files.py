"""What a field names as its files."""

import pytest

from ml.runtime.errors import DataError
from ml.runtime.folder_step import FolderStep
from ml.runtime.source_files import source_files


@pytest.fixture
def step(tmp_path):
    return FolderStep("data-registration", "run", tmp_path / "out")


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("b.csv", "a.csv", "c.PARQUET", "notes.md", ".hidden.csv", "with, comma.csv"):
        (folder / name).write_text("a\n1\n")
    (folder / "old").mkdir()
    (folder / "old" / "z.csv").write_text("a\n1\n")
    return folder


def found(step, source):
    return [file.path.name for file in source_files(step, source, "Data/source")]


def test_a_folder_gives_its_tables_sorted(step, data):
    assert found(step, str(data)) == ["a.csv", "b.csv", "c.PARQUET", "with, comma.csv"]


def test_a_pattern_gives_the_files_that_match_sorted(step, data):
    assert found(step, f"{data}/[ab].csv") == ["a.csv", "b.csv"]
    assert found(step, f"{data}/**/z.csv") == ["z.csv"]


@pytest.mark.parametrize("between", [",", ", ", "\n", " \n "])
def test_several_stand_in_the_order_they_are_named(step, data, between):
    assert found(step, f"{data}/b.csv{between}{data}/a.csv") == ["b.csv", "a.csv"]


def test_a_comma_may_be_part_of_a_name(step, data):
    assert found(step, f"{data}/with, comma.csv") == ["with, comma.csv"]
    assert found(step, f"{data}/with, comma.csv\n{data}/a.csv") == ["with, comma.csv", "a.csv"]


def test_a_file_that_is_named_twice_counts_once(step, data):
    assert found(step, f"{data}/a.csv, {data}/*.csv") == ["a.csv", "b.csv", "with, comma.csv"]


def test_a_data_set_gives_its_tables(step, data, tmp_path):
    (data / "schema.json").write_text("{}")
    files = source_files(step, f"dataset:{data}", "Data/source")
    assert files[0].shown == f"dataset:{data}/a.csv"


def test_each_address_is_fetched_and_shown_as_it_was_named(step, data, monkeypatch):
    asked = []
    monkeypatch.setattr(step, "_download", lambda source, _: asked.append(source) or data / "a.csv")
    (file,) = source_files(step, "https://example.com/a.csv?x=1*", "Data/source")
    assert file.shown == "https://example.com/a.csv?x=1*"
    assert asked == ["https://example.com/a.csv?x=1*"]


def test_every_file_is_noted_as_an_input(step, data):
    source_files(step, f"{data}/[ab].csv", "Data/source")
    assert [one["of"] for one in step.trace.inputs] == [f"{data}/a.csv", f"{data}/b.csv"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{data}/none.csv", "there is no file"),
        ("{data}/none*.csv", "no file matches"),
        ("{data}/old/none", "there is no file"),
        ("dataset:none", "there is no data set"),
        (" , ", "no file is named"),
    ],
)
def test_what_is_not_there_is_told(step, data, source, said):
    with pytest.raises(DataError, match=said) as caught:
        source_files(step, source.format(data=data), "Data/source")
    assert caught.value.where == "Data/source"


def test_a_folder_without_tables_is_told(step, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no CSV or Parquet file") as caught:
        source_files(step, str(tmp_path / "empty"), "Data/source")
    assert ".parquet" in caught.value.mend
