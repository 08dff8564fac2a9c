"""Making, editing, cloning and deleting tasks."""

from __future__ import annotations

import pytest


def test_create_checks_its_fields(api):
    assert api.refused("tasks.create", name="ab", type="training") == (400, 800)
    assert api.refused("tasks.create", name="abc", type="nonsense") == (400, 800)
    assert api.refused("tasks.create", name="abc") == (400, 11)
    assert api.refused("tasks.create", name=7, type="training") == (400, 12)
    assert api.refused("tasks.create", name="abc", type="training", project="x") == (400, 401)


def test_company_is_text(api):
    """Agents compare it with text."""
    assert isinstance(api.call("tasks.get_by_id", task=api.task())["task"]["company"], str)


def test_edit_needs_a_draft_or_force(api):
    task = api.task()
    api.call("tasks.edit", task=task, comment="draft", runtime={"a": 1})
    api.call("tasks.started", task=task)
    assert api.refused("tasks.edit", task=task, comment="late") == (400, 110)
    api.call("tasks.edit", task=task, comment="late", force=True)
    found = api.call("tasks.get_by_id", task=task)["task"]
    assert (found["comment"], found["runtime"]) == ("late", {"a": 1})


def test_edit_of_the_script_keeps_the_requirements(api):
    task = api.task(script={"repository": "old"})
    api.call("tasks.set_requirements", task=task, requirements={"pip": "numpy"})
    api.call("tasks.edit", task=task, script={"repository": "new"})
    script = api.call("tasks.get_by_id", task=task)["task"]["script"]
    assert script == {"repository": "new", "requirements": {"pip": "numpy"}}


def item(section: str, name: str, value: str) -> dict:
    return {"section": section, "name": name, "value": value}


def test_hyper_parameters(api):
    task = api.task()
    api.call(
        "tasks.edit_hyper_params",
        task=task,
        hyperparams=[
            {**item("Args", "lr", "1"), "type": "float"},
            item("Args", "n", "2"),
            item("B", "x", "3"),
        ],
    )
    api.call("tasks.edit_hyper_params", task=task, hyperparams=[item("Args", "lr", "9")])
    params = api.call("tasks.get_by_id", task=task)["task"]["hyperparams"]
    assert params["Args"]["lr"] == {**item("Args", "lr", "9"), "type": "float"}
    api.call(
        "tasks.edit_hyper_params",
        task=task,
        replace_hyperparams="section",
        hyperparams=[item("Args", "m", "5")],
    )
    listed = api.call("tasks.get_hyper_params", tasks=[task])["params"][0]["hyperparams"]
    assert [(entry["section"], entry["name"]) for entry in listed] == [("Args", "m"), ("B", "x")]
    api.call("tasks.delete_hyper_params", task=task, hyperparams=[{"section": "B"}])
    assert set(api.call("tasks.get_by_id", task=task)["task"]["hyperparams"]) == {"Args"}


def test_user_properties_may_change_while_it_runs(api):
    task = api.task()
    api.call("tasks.started", task=task)
    assert api.refused(
        "tasks.edit_hyper_params", task=task, hyperparams=[item("Args", "a", "1")]
    ) == (400, 110)
    api.call("tasks.edit_hyper_params", task=task, hyperparams=[item("properties", "a", "1")])


def test_configurations(api):
    task = api.task()
    api.call(
        "tasks.edit_configuration",
        task=task,
        configuration=[{"name": "one", "value": "1"}, {"name": "two", "value": ""}],
    )
    assert api.call("tasks.get_configuration_names", tasks=[task])["configurations"] == {
        task: {"task": task, "names": ["one"]}
    }
    found = api.call("tasks.get_configurations", tasks=[task], names=["one"])["configurations"]
    assert found == [{"task": task, "configuration": [{"name": "one", "value": "1"}]}]
    api.call("tasks.delete_configuration", task=task, configuration=["one"])
    assert set(api.call("tasks.get_by_id", task=task)["task"]["configuration"]) == {"two"}


def test_clone(api):
    project = api.call("projects.create", name="clones/of it")["id"]
    source = api.task(
        "source",
        project=project,
        tags=["template"],
        system_tags=["development"],
        hyperparams={"Args": {"x": item("Args", "x", "1")}},
        configuration={"c": {"name": "c", "value": "v"}},
        container={"image": "img"},
        script={"repository": "r", "version_num": "abc", "entry_point": "-m ml training"},
        execution={
            "queue": "q",
            "artifacts": [
                {"key": "in", "type": "dict", "mode": "input"},
                {"key": "out", "type": "dict", "mode": "output"},
            ],
        },
        runtime={"private": "x"},
    )
    before = api.call("tasks.get_by_id", task=source)["task"]
    copy = api.call("tasks.clone", task=source, new_task_name="copy", new_task_parent=source)["id"]
    after = api.call("tasks.get_by_id", task=copy)["task"]
    for field in ("hyperparams", "configuration", "container", "script", "project", "tags"):
        assert after[field] == before[field], field
    assert (after["parent"], after["status"], after["name"]) == (source, "created", "copy")
    assert after["system_tags"] == []
    assert after["runtime"] == {}
    assert [entry["key"] for entry in after["execution"]["artifacts"]] == ["in"]
    assert "queue" not in after["execution"]


def test_artifacts_are_replaced_by_key(api):
    task = api.task()
    for uri in ("old", "new"):
        api.call(
            "tasks.add_or_update_artifacts",
            task=task,
            force=True,
            artifacts=[{"key": "a", "type": "dict", "uri": uri}],
        )
    artifacts = api.call("tasks.get_by_id", task=task)["task"]["execution"]["artifacts"]
    assert [entry["uri"] for entry in artifacts] == ["new"]
    api.call("tasks.delete_artifacts", task=task, artifacts=[{"key": "a"}])
    task = api.call("tasks.get_by_id", task=task)["task"]
    assert task["execution"]["artifacts"] == []


def test_delete_cascades(api):
    task = api.task()
    child = api.task(parent=task)
    kept = api.call("models.create", name="kept", uri="file:///k", task=task)["id"]
    gone = api.call("models.create", name="gone", uri="file:///g", task=task)["id"]
    user = api.task(models={"input": [{"name": "m", "model": kept}]})
    api.call("events.add", task=task, type="log", msg="x")
    api.call("tasks.started", task=task)
    assert api.refused("tasks.delete", task=task) == (400, 110)
    answer = api.call("tasks.delete", task=task, force=True, return_file_urls=True)
    assert answer["deleted"] is True
    assert (answer["updated_children"], answer["deleted_models"]) == (1, 1)
    assert answer["urls"]["model_urls"] == ["file:///k", "file:///g"]
    assert "parent" not in api.call("tasks.get_by_id", task=child)["task"]
    assert api.refused("models.get_by_id", model=gone) == (400, 201)
    assert "task" not in api.call("models.get_by_id", model=kept)["model"]
    assert api.refused("models.delete", model=kept) == (400, 205)
    api.call("tasks.delete", task=user)
    api.call("models.delete", model=kept)


def test_archive(api):
    task = api.task("to be archived")
    api.call("tasks.archive", tasks=[task])
    query = {"name": "^to be archived$", "system_tags": ["-archived"]}
    assert api.call("tasks.get_all", **query)["tasks"] == []
    api.call("tasks.unarchive_many", ids=[task])
    assert [found["id"] for found in api.call("tasks.get_all", **query)["tasks"]] == [task]


def test_move_to_a_new_project(api):
    task = api.task()
    api.call("tasks.move", ids=[task], project_name="moved/here")
    project = api.call("tasks.get_by_id", task=task)["task"]["project"]
    assert api.call("projects.get_by_id", project=project)["project"]["basename"] == "here"


def test_start_pipeline(api):
    queue = api.queue()
    task = api.task(
        "pipe",
        type="controller",
        system_tags=["pipeline"],
        hyperparams={"Args": {"x": item("Args", "x", "1")}},
    )
    answer = api.call(
        "pipelines.start_pipeline", task=task, queue=queue, args=[{"name": "x", "value": "2"}]
    )
    pipeline = api.call("tasks.get_by_id", task=answer["pipeline"])["task"]
    assert pipeline["status"] == "queued"
    assert pipeline["hyperparams"]["Args"]["x"]["value"] == "2"
    assert pipeline["system_tags"] == ["pipeline"]


@pytest.mark.parametrize("value", ["x", 5, {"a": 1}])
def test_lists_that_are_none(api, value):
    assert api.refused("tasks.add_or_update_artifacts", task=api.task(), artifacts=value) == (
        400,
        12,
    )
