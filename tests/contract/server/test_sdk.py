"""The real SDK against the embedded server: everything that a task reports, and data sets."""

from __future__ import annotations


def test_a_task_and_all_that_it_reports(lab):
    lab.python("""
        import numpy as np
        import plotly.graph_objects as go
        from clearml import OutputModel, Task

        task = Task.init("contract/local", "all of it", tags=["first"],
                         auto_connect_frameworks=False)
        task.connect({"lr": 0.1, "deep": {"a.b": 1}}, name="Args")
        task.connect_configuration({"layers": [1, 2]}, name="net")
        task.set_user_properties(score=0.5)
        log = task.get_logger()
        for step in range(3):
            log.report_scalar("loss", "train", 1 / (step + 1), iteration=step)
        log.report_single_value("accuracy", 0.75)
        log.report_text("a line of text")
        log.report_plotly("plot", "series", iteration=0, figure=go.Figure(go.Scatter(y=[1, 2])))
        log.report_table("table", "rows", iteration=0, table_plot=[["a"], [1]])
        log.report_image("image", "noise", iteration=0, image=np.zeros((8, 8, 3), dtype="uint8"))
        task.upload_artifact("summary", {"rows": 3})
        task.upload_artifact("array", np.arange(5))
        open("weights.bin", "wb").write(b"w" * 1000)
        OutputModel(task=task, name="the model", framework="PyTorch").update_weights("weights.bin")
        task.close()
    """)
    lab.python("""
        import json
        from clearml import InputModel, StorageManager, Task

        task = Task.get_task(project_name="contract/local", task_name="all of it")
        assert task.get_status() == "completed", task.get_status()
        assert task.get_tags() == ["first"]
        assert task.get_parameters()["Args/lr"] == "0.1"
        assert task.get_parameters()["Args/deep/a.b"] == "1"
        assert "layers" in task.get_configuration_object("net")
        assert task.get_user_properties()["score"]["value"] == "0.5"
        assert task.get_reported_scalars()["loss"]["train"]["y"][0] == 1.0
        assert task.get_all_reported_scalars()["loss"]["train"]["x"] == [0, 1, 2]
        assert task.get_last_scalar_metrics()["loss"]["train"]["max"] == 1.0
        assert task.get_reported_single_value("accuracy") == 0.75
        assert any("a line of text" in line for line in task.get_reported_console_output(50))
        plots = {plot["metric"]: json.loads(plot["plot_str"]) for plot in task.get_reported_plots()}
        assert set(plots) == {"plot", "table"}, set(plots)
        (sample,) = task.get_debug_samples("image", "noise")
        assert sample["url"].startswith("http")
        assert task.artifacts["summary"].get() == {"rows": 3}
        assert task.artifacts["array"].get().sum() == 10
        model = task.models["output"][0]
        assert (model.name, model.framework) == ("the model", "PyTorch")
        assert open(InputModel(model.id).get_local_copy(), "rb").read() == b"w" * 1000
        assert Task.query_tasks(tags=["__$all", "first", "__$not", "second"]) == [task.id]
        assert Task.query_tasks(tags=["-first"], project_name="contract/local") == []
        assert [t.id for t in Task.get_tasks(tags=["first", "second"])] == [task.id]
        copy = Task.clone(task, name="a copy")
        copy.set_parameters({"Args/lr": 0.5})
        copy.add_tags(["second"])
        assert Task.get_task(copy.id).get_parameter("Args/lr") == "0.5"
        assert copy.data.system_tags == [], copy.data.system_tags
        assert copy.parent == task.id
        assert copy.delete()
        url = task.artifacts["summary"].url
        assert task.delete(raise_on_error=True)
        assert not Task.query_tasks(task_name="all of it")
        assert not StorageManager.exists_file(url)
    """)


def test_a_data_set_and_its_next_version(lab):
    lab.python("""
        from pathlib import Path
        from clearml import Dataset

        folder = Path("data")
        (folder / "in a folder").mkdir(parents=True)
        (folder / "a.csv").write_text("a,b\\n1,2\\n")
        (folder / "in a folder" / "ü.txt").write_text("x" * 5000)
        first = Dataset.create(dataset_name="irises", dataset_project="contract/data",
                               dataset_version="1.0.0", dataset_tags=["raw"])
        first.add_files(str(folder))
        first.upload()
        first.finalize()
        second = Dataset.create(dataset_name="irises", dataset_project="contract/data",
                                parent_datasets=[first.id])
        second.remove_files("a.csv")
        (folder / "c.csv").write_text("c")
        second.add_files(str(folder / "c.csv"))
        second.upload()
        second.finalize()
    """)
    lab.python("""
        from pathlib import Path
        from clearml import Dataset

        named = {"dataset_name": "irises", "dataset_project": "contract/data"}
        last = Dataset.get(**named)
        assert last.version == "1.0.1", last.version
        assert sorted(last.list_files()) == ["c.csv", "in a folder/ü.txt"]
        copy = Path(last.get_local_copy())
        assert len((copy / "in a folder" / "ü.txt").read_text()) == 5000
        first = Dataset.get(**named, dataset_version="1.0.0")
        assert (Path(first.get_local_copy()) / "a.csv").read_text() == "a,b\\n1,2\\n"
        listed = Dataset.list_datasets(dataset_project="contract/data")
        assert {item["version"] for item in listed} == {"1.0.0", "1.0.1"}
        assert [item["id"] for item in Dataset.list_datasets(tags=["raw"])] == [first.id]
        Dataset.delete(dataset_id=last.id)
        assert [d["id"] for d in Dataset.list_datasets("contract/data")] == [first.id]
    """)


def test_the_client(lab):
    lab.python("""
        from clearml.backend_api.session.client import APIClient, APIError

        client = APIClient()
        queue = client.queues.create(name="through the client")
        assert [q.id for q in client.queues.get_all(name="^through the client$")] == [queue.id]
        try:
            client.tasks.get_by_id(task="0" * 32)
        except APIError as error:
            assert (error.code, error.subcode) == (400, 101)
        else:
            raise SystemExit("an unknown task was found")
        client.queues.delete(queue=queue.id)
    """)
