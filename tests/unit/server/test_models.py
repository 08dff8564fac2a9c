"""Models and the tasks that make and use them."""

from __future__ import annotations


def test_life(api):
    task = api.task()
    model = api.call("models.create", name="net", uri="file:///net", labels={"a": 1})["id"]
    api.call("models.edit", model=model, task=task, framework="PyTorch", tags=["x"])
    api.call("tasks.add_or_update_model", task=task, name="w", model=model, type="output")
    outputs = api.call("tasks.get_by_id", task=task)["task"]["models"]["output"]
    assert [(item["name"], item["model"]) for item in outputs] == [("w", model)]
    assert api.call("models.get_by_task_id", task=task)["model"]["id"] == model
    found = api.call("models.get_all", task=[task], tags=["x"], framework=["PyTorch"])["models"]
    assert [item["id"] for item in found] == [model]
    assert "PyTorch" in api.call("models.get_frameworks")["frameworks"]


def test_ready_publishes_the_task(api):
    task = api.task()
    model = api.call("models.create", name="net", uri="file:///net", task=task)["id"]
    assert api.refused("models.set_ready", model=model) == (400, 110)
    assert api.call("models.get_by_id", model=model)["model"]["ready"] is False
    api.call("models.set_ready", model=model, publish_task=False)
    assert api.status(task) == "created"
    api.call("models.set_ready", model=model, force_publish_task=True)
    assert api.status(task) == "published"
    assert api.call("models.get_all", id=[model], ready=True)["models"]
    assert not api.call("models.get_all", id=[model], ready=False)["models"]


def test_metadata(api):
    model = api.call("models.create", name="net", uri="file:///net")["id"]
    item = {"key": "k", "type": "str", "value": "v"}
    api.call("models.add_or_update_metadata", model=model, metadata=[item])
    assert api.call("models.get_by_id", model=model)["model"]["metadata"] == {"k": item}
    api.call("models.delete_metadata", model=model, keys=["k"])
    assert api.call("models.get_by_id", model=model)["model"]["metadata"] == {}


def test_update_for_task(api):
    task = api.task("trainer")
    first = api.call("models.update_for_task", task=task, uri="file:///1")
    again = api.call("models.update_for_task", task=task, uri="file:///2")
    assert (first["created"], again["created"]) == (True, False)
    assert first["id"] == again["id"]
    assert api.call("models.get_by_id", model=first["id"])["model"]["uri"] == "file:///2"
    assert api.refused("models.update_for_task", task=task) == (400, 12)


def test_archive_and_delete_many(api):
    model = api.call("models.create", name="old one", uri="file:///o")["id"]
    api.call("models.archive_many", ids=[model])
    assert not api.call("models.get_all", id=[model], system_tags=["-archived"])["models"]
    answer = api.call("models.delete_many", ids=[model, "nothing"])
    assert [item["id"] for item in answer["succeeded"]] == [model]
    assert answer["failed"][0]["error"]["codes"] == [400, 201]
