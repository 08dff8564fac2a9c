"""Data sets as the data phases make them: by the real SDK, on the embedded server."""

REGISTER = """
    from pathlib import Path
    from clearml import Dataset, Task
    from ml.runtime.task_step import TaskStep

    task = Task.init("contract/steps", "data", auto_connect_frameworks=False)
    step = TaskStep(task, "data-editing", "run-1", Path("work"))
    folder = Path("files")
    folder.mkdir()

    def write(**contents):
        for name, text in contents.items():
            (folder / f"{name}.txt").write_text(text)

    write(data="first", schema="same", profile="old")
    first = step.create_dataset("flats", folder, ["regression"])
    write(data="second", profile="new", edits="[]")
    second = step.create_dataset("flats", folder, ["regression"], first)
"""


def test_an_edited_data_set_has_a_parent_that_keeps_its_files(lab):
    lab.python(
        REGISTER
        + """
    assert Dataset.get(dataset_id=second)._dependency_graph[second] == [first]
    assert Dataset.get(dataset_id=second).version == "1.0.1"

    def read(dataset_id):
        files = step.dataset(dataset_id, "Input/dataset_id").iterdir()
        return {path.stem: path.read_text() for path in files}

    assert read(second) == {"data": "second", "schema": "same", "profile": "new", "edits": "[]"}
    assert read(first) == {"data": "first", "schema": "same", "profile": "old"}
    """
    )
